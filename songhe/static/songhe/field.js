// The phone's place and the signature drawn on its screen, put into the form that is sent.
"use strict";

for (const form of document.querySelectorAll("[data-presence]")) {
  const state = form.querySelector("[data-presence-state]");
  if (!navigator.geolocation) {
    state.textContent = "这部手机不能定位，请扫家门二维码。";
    continue;
  }
  navigator.geolocation.getCurrentPosition(
    (position) => {
      form.elements.latitude.value = position.coords.latitude.toFixed(6);
      form.elements.longitude.value = position.coords.longitude.toFixed(6);
      state.textContent = `已定位，误差约 ${Math.round(position.coords.accuracy)} 米。`;
    },
    () => { state.textContent = "没有取得定位，请打开定位权限或扫家门二维码。"; },
    { enableHighAccuracy: true, timeout: 15000 },
  );
}

for (const pad of document.querySelectorAll("canvas[data-signature]")) {
  const form = pad.closest("form");
  const pen = pad.getContext("2d");
  pad.width = pad.clientWidth;
  pen.lineWidth = 2.5;
  pen.lineCap = "round";
  const at = (event) => [event.offsetX, event.offsetY];
  let drawing = false;
  pad.style.touchAction = "none";
  pad.addEventListener("pointerdown", (event) => {
    drawing = true;
    pad.setPointerCapture(event.pointerId);
    pen.beginPath();
    pen.moveTo(...at(event));
  });
  pad.addEventListener("pointermove", (event) => {
    if (!drawing) return;
    pen.lineTo(...at(event));
    pen.stroke();
  });
  pad.addEventListener("pointerup", () => {
    drawing = false;
    form.elements.signature.value = pad.toDataURL("image/png");
  });
  form.querySelector("[data-signature-clear]").addEventListener("click", () => {
    pen.clearRect(0, 0, pad.width, pad.height);
    form.elements.signature.value = "";
  });
}
