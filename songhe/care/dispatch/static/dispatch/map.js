// The map beside the board: where the elders are, and the way of the carer who is chosen. No tiles from anywhere.
import * as maplibregl from "../vendor/maplibre/maplibre-gl.mjs";

const collection = (features) => ({ type: "FeatureCollection", features });
const point = (at, properties) => ({ type: "Feature", geometry: { type: "Point", coordinates: at }, properties });

export class RouteMap {
  constructor(place, { select, ground }) {
    this.select = select;
    this.ready = false;
    this.map = new maplibregl.Map({
      container: place,
      attributionControl: false,
      locale: { "Map.Title": "地图", "NavigationControl.ZoomIn": "放大", "NavigationControl.ZoomOut": "缩小", "Popup.Close": "关闭" },
      style: { version: 8, sources: {}, layers: [{ id: "paper", type: "background", paint: { "background-color": "#f4f7f6" } }] },
    });
    this.map.addControl(new maplibregl.NavigationControl({ showCompass: false }));
    this.map.on("load", async () => {
      for (const name of ["ground", "route", "stops"]) this.map.addSource(name, { type: "geojson", data: collection([]) });
      this.map.addLayer({ id: "ground", type: "fill", source: "ground", paint: { "fill-color": "#d5e8e0", "fill-opacity": 0.7 } });
      this.map.addLayer({ id: "border", type: "line", source: "ground", paint: { "line-color": "#1b5e4a", "line-width": 1 } });
      this.map.addLayer({ id: "route", type: "line", source: "route", paint: { "line-color": "#0b57d0", "line-width": 2.5, "line-opacity": 0.8 } });
      const colour = ["match", ["get", "kind"], "open", "#ea580c", "chosen", "#0b57d0", "mine", "#0b57d0", "base", "#1c2a27", "#15803d"];
      this.map.addLayer({ id: "stops", type: "circle", source: "stops", paint: { "circle-radius": ["match", ["get", "kind"], "chosen", 8, "mine", 6, "open", 5, 4], "circle-color": colour, "circle-stroke-color": "#fff", "circle-stroke-width": 1.2 } });
      this.map.on("click", "stops", (event) => { const { id } = event.features[0].properties; if (id) this.select(id); });
      this.ready = true;
      if (this.waiting) this.show(...this.waiting);
      this.map.getSource("ground").setData(await ground());
    });
  }

  show(sheet, chosen, carer) {
    if (!this.ready) { this.waiting = [sheet, chosen, carer]; return; }
    const person = sheet.carers.find((each) => each.id === carer);
    const mine = sheet.stops.filter((stop) => person && stop.staff === carer && stop.at).sort((one, two) => one.start - two.start);
    const kind = (stop) => (stop.id === chosen ? "chosen" : !stop.staff ? "open" : stop.staff === carer ? "mine" : "other");
    const points = sheet.stops.filter((stop) => stop.at).map((stop) => point(stop.at, { id: stop.id, kind: kind(stop) }));
    if (person?.at) points.push(point(person.at, { kind: "base" }));
    this.map.getSource("stops").setData(collection(points));
    const line = [person?.at, ...mine.map((stop) => stop.at), person?.at].filter(Boolean);
    this.map.getSource("route").setData(collection(mine.length ? [{ type: "Feature", geometry: { type: "LineString", coordinates: line }, properties: {} }] : []));
    const all = mine.length ? line : points.map((each) => each.geometry.coordinates);
    if (all.length && this.fitted !== (carer ?? "all")) {
      this.fitted = carer ?? "all";
      const bounds = all.reduce((box, at) => box.extend(at), new maplibregl.LngLatBounds(all[0], all[0]));
      this.map.fitBounds(bounds, { padding: 40, duration: 0, maxZoom: 15 });
    }
  }
}
