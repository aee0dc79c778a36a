// The care map; no tile server, no address outside this one.
import * as maplibregl from "../vendor/maplibre/maplibre-gl.mjs";

const COLOURS = ["#15803d", "#0369a1", "#7c3aed", "#be123c", "#1b7a5a", "#b45309", "#334155", "#c2410c", "#0f766e"];
const place = document.getElementById("care-map");

function told(facility) {
  const box = document.createElement("div");
  const lines = [facility.name, `${facility.kind} · ${facility.state}`, facility.operator, facility.address, facility.phone];
  if (facility.metres) lines.push(`服务半径 ${facility.metres} 米`);
  for (const line of lines.filter(Boolean)) box.append(Object.assign(document.createElement("div"), { textContent: line }));
  box.firstChild.className = "fw-bold";
  return box;
}

if (place) {
  place.style.height = window.innerWidth < 768 ? "380px" : "620px";
  for (const list of document.querySelectorAll(".care-list")) list.style.maxHeight = place.style.height;
  fetch(place.dataset.map).then((answer) => answer.json()).then((data) => {
    const map = new maplibregl.Map({
      container: place,
      attributionControl: false,
      style: { version: 8, sources: {}, layers: [{ id: "ground", type: "background", paint: { "background-color": "#f4f7f6" } }] },
    });
    map.addControl(new maplibregl.NavigationControl({ showCompass: false }));
    map.on("load", () => {
      for (const name of Object.keys(data)) map.addSource(name, { type: "geojson", data: data[name] });
      map.addLayer({ id: "county", type: "fill", source: "counties", paint: { "fill-color": "#d5e8e0", "fill-opacity": 0.8 } });
      map.addLayer({ id: "border", type: "line", source: "counties", paint: { "line-color": "#1b5e4a", "line-width": 1.2 } });
      map.addLayer({ id: "reach", type: "fill", source: "reaches", paint: { "fill-color": "#15803d", "fill-opacity": 0.12 } });
      map.addLayer({ id: "reach-edge", type: "line", source: "reaches", paint: { "line-color": "#15803d", "line-width": 1, "line-opacity": 0.5 } });
      const colour = ["match", ["get", "position"], ...COLOURS.flatMap((each, index) => [index + 1, each]), "#334155"];
      map.addLayer({ id: "facility", type: "circle", source: "facilities", paint: { "circle-radius": 6, "circle-color": colour, "circle-stroke-color": "#fff", "circle-stroke-width": 1.5 } });
      const points = data.facilities.features.map((feature) => feature.geometry.coordinates);
      if (points.length) {
        const bounds = points.reduce((box, point) => box.extend(point), new maplibregl.LngLatBounds(points[0], points[0]));
        map.fitBounds(bounds, { padding: 50, duration: 0, maxZoom: 14 });
      }
      map.on("click", "facility", (event) => {
        new maplibregl.Popup().setLngLat(event.lngLat).setDOMContent(told(event.features[0].properties)).addTo(map);
      });
    });
  });
}
