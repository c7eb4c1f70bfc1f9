// The lamp of the PBX links in the bar.

import { one } from "./dom.js";
import { onLive } from "./live.js";

const refresh = () => window.htmx.ajax("GET", "/pbx/lamp", { target: "#pbx-lamp", swap: "outerHTML" });

export function startLamp() {
  onLive("pbx.changed resync", refresh);
  onLive("hello", ({ pbx }) => {
    const isUp = Object.values(pbx).every((link) => link.state === "up");
    if (isUp !== (one("#pbx-lamp").dataset.state === "up")) refresh();
  });
}
