// The map and the chart of the leader's screen; no tile server, no address outside this one.
import * as maplibregl from "../vendor/maplibre/maplibre-gl.mjs";

const place = document.getElementById("map");
if (place) {
  fetch(place.dataset.map).then((answer) => answer.json()).then(async (data) => {
    const names = data.counties.features.map((feature) => feature.properties.name).join("");
    await document.fonts.load('14px "Noto Sans SC Variable"', names);
    const map = new maplibregl.Map({
      container: place,
      attributionControl: false,
      locale: { "Map.Title": "地图", "NavigationControl.ZoomIn": "放大", "NavigationControl.ZoomOut": "缩小", "Popup.Close": "关闭" },
      style: { version: 8, sources: {}, layers: [{ id: "ground", type: "background", paint: { "background-color": "#f4f7f6" } }] },
    });
    map.addControl(new maplibregl.NavigationControl({ showCompass: false }));
    map.on("load", () => {
      for (const name of ["counties", "facilities", "visits"]) map.addSource(name, { type: "geojson", data: data[name] });
      map.addLayer({ id: "county", type: "fill", source: "counties", paint: { "fill-color": "#d5e8e0", "fill-opacity": 0.8 } });
      map.addLayer({ id: "border", type: "line", source: "counties", paint: { "line-color": "#1b5e4a", "line-width": 1.2 } });
      map.addLayer({ id: "facility", type: "circle", source: "facilities", paint: { "circle-radius": 5, "circle-color": "#15803d", "circle-stroke-color": "#fff", "circle-stroke-width": 1 } });
      map.addLayer({ id: "visit", type: "circle", source: "visits", paint: { "circle-radius": 4, "circle-color": "#ea580c", "circle-opacity": 0.85 } });
      map.addLayer({ id: "county-name", type: "symbol", source: "counties", layout: { "text-field": ["get", "name"], "text-size": 14, "text-font": ["Noto Sans SC Variable"] }, paint: { "text-color": "#0f4539", "text-halo-color": "#fff", "text-halo-width": 1.5 } });
      const points = data.facilities.features.map((feature) => feature.geometry.coordinates);
      if (points.length) {
        const bounds = points.reduce((box, point) => box.extend(point), new maplibregl.LngLatBounds(points[0], points[0]));
        map.fitBounds(bounds, { padding: 50, duration: 0 });
      }
      for (const layer of ["facility", "visit"]) {
        map.on("click", layer, (event) => {
          const { name, kind, state, service } = event.features[0].properties;
          const text = document.createElement("span");
          text.textContent = name ? `${name}（${kind}）` : `${service}（${state}）`;
          new maplibregl.Popup().setLngLat(event.lngLat).setDOMContent(text).addTo(map);
        });
      }
    });
  });
}

const chart = document.getElementById("by-day");
if (chart && window.echarts) {
  const rows = JSON.parse(document.getElementById("by-day-data").textContent);
  const drawn = echarts.init(chart);
  drawn.setOption({
    aria: { enabled: true },
    grid: { left: 40, right: 12, top: 20, bottom: 30 },
    tooltip: { trigger: "axis" },
    xAxis: { type: "category", data: rows.map(([day]) => day) },
    yAxis: { type: "value", minInterval: 1 },
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
    series: [{ type: "bar", name: "人次", data: rows.map(([, count]) => count), itemStyle: { color: "#1b7a5a" } }],
  });
  window.addEventListener("resize", () => drawn.resize());
}
