// The phone's place and the signature drawn on its screen, put into the form that is sent.
"use strict";

for (const form of document.querySelectorAll("[data-presence]")) {
  const state = form.querySelector("[data-presence-state] span");
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

// Where the phone can read codes itself, a button opens its camera; elsewhere the code is typed or pasted.
const reader = "BarcodeDetector" in window ? new BarcodeDetector({ formats: ["qr_code"] }) : null;
for (const field of document.querySelectorAll("input[name=home_code]")) {
  if (!reader || !navigator.mediaDevices) continue;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn w-100 mb-2";
  button.innerHTML = '<i class="ti ti-qrcode" aria-hidden="true"></i>扫码';
  field.before(button);
  button.addEventListener("click", async () => {
    const view = document.createElement("video");
    view.className = "w-100 rounded mb-2";
    view.playsInline = true;
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    } catch {
      button.textContent = "不能打开相机，请允许使用相机";
      return;
    }
    view.srcObject = stream;
    button.replaceWith(view);
    await view.play();
    const look = async () => {
      const [code] = await reader.detect(view).catch(() => []);
      if (!code) { requestAnimationFrame(look); return; }
      field.value = code.rawValue;
      stream.getTracks().forEach((track) => track.stop());
      view.replaceWith(button);
    };
    look();
  });
}

for (const pad of document.querySelectorAll("canvas[data-signature]")) {
  const form = pad.closest("form");
  const pen = pad.getContext("2d");
  pad.width = pad.clientWidth;
  pen.lineWidth = 2.5;
  pen.lineCap = "round";
  const at = (event) => [event.offsetX, event.offsetY];
  if (form.elements.signature.value) {
    // The page came back with something to mend: what was signed is still there.
    const before = new Image();
    before.addEventListener("load", () => pen.drawImage(before, 0, 0));
    before.src = form.elements.signature.value;
  }
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

for (const form of document.querySelectorAll("form[data-answers]")) {
  const state = form.querySelector("[data-answered]");
  const items = new Set(Array.from(form.querySelectorAll("fieldset input[type=radio]"), (radio) => radio.name));
  const count = () => {
    const answered = Array.from(items).filter((name) => form.querySelector(`[name="${CSS.escape(name)}"]:checked`)).length;
    state.textContent = answered === items.size ? `${items.size} 项都已填` : `已填 ${answered} / ${items.size} 项`;
  };
  form.addEventListener("change", count);
  form.addEventListener("songhe:restored", count);
  count();
}
