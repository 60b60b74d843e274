"""Drives Debian's Chromium as a person does: looks at a page, taps, types, chooses files. Needs nothing but Python.

The browser is spoken to over a pair of pipes (`--remote-debugging-pipe`): JSON messages, each ended by a zero byte.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
OPTIONS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--mute-audio",
    "--no-first-run",
    "--hide-scrollbars",
]
PHONE = (360, 740)
DESK = (1280, 900)
ANSWERS_WITHIN = 60.0  # seconds

# The middle of the first visible thing that fits: scrolled to, so that it can be tapped.
WHERE = """(() => {
    const found = [...document.querySelectorAll(%s)]
        .filter((one) => one.checkVisibility() && one.textContent.includes(%s));
    if (!found.length) return null;
    found[0].scrollIntoView({block: 'center', behavior: 'instant'});
    const box = found[0].getBoundingClientRect();
    return [box.x + box.width / 2, box.y + box.height / 2];
})()"""


class PageError(AssertionError):
    """The page did not do what was waited for."""


def high_pipe() -> tuple[int, int]:
    """A pipe whose ends are out of the way of descriptors 3 and 4."""
    ends = os.pipe()
    moved = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends]
    for end in ends:
        os.close(end)
    return moved[0], moved[1]


class Browser:
    """One window of a browser that ends with the block."""

    def __init__(self, profile: Path, size: tuple[int, int] = PHONE, dark: bool = False) -> None:
        self.size = size
        self.problems: list[str] = []  # what the page's console and the browser complained of
        self._number = 0
        self._pending = b""
        to_browser, self._out = high_pipe()
        self._in, from_browser = high_pipe()
        # The browser reads from its descriptor 3 and writes to 4.
        inherit = f'exec 3<&{to_browser} 4>&{from_browser}; exec "$@"'
        command = [CHROMIUM, *OPTIONS, "--remote-debugging-pipe", f"--user-data-dir={profile}"]
        self._process = subprocess.Popen(
            ["bash", "-c", inherit, "bash", *command],
            pass_fds=(to_browser, from_browser),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        self._session: str | None = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "DOM", "Log", "Network"):
            self.call(f"{domain}.enable")
        width, height = size
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2,
            mobile=size == PHONE,
        )
        self.call("Emulation.setTouchEmulationEnabled", enabled=size == PHONE)
        if dark:
            self.call(
                "Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}]
            )

    def __enter__(self) -> Browser:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(timeout=30)
        os.close(self._in)
        os.close(self._out)

    def call(self, method: str, **parameters: object) -> dict[str, Any]:
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + ANSWERS_WITHIN
        while True:
            heard = self._hear(end)
            if heard.get("id") == self._number:
                if "error" in heard:
                    raise PageError(f"{method}: {heard['error']['message']}")
                result: dict[str, Any] = heard["result"]
                return result

    def _hear(self, end: float) -> dict[str, Any]:
        """The next message; what the page complains of is noted in passing."""
        while b"\0" not in self._pending:
            ready, _, _ = select.select([self._in], [], [], max(0.0, end - time.monotonic()))
            data = os.read(self._in, 1 << 20) if ready else b""
            if not data:
                raise PageError("the browser says nothing")
            self._pending += data
        line, _, self._pending = self._pending.partition(b"\0")
        heard: dict[str, Any] = json.loads(line)
        parameters = heard.get("params", {})
        if heard.get("method") == "Runtime.exceptionThrown":
            self.problems.append(json.dumps(parameters["exceptionDetails"])[:600])
        if heard.get("method") == "Log.entryAdded" and parameters["entry"]["level"] == "error":
            self.problems.append(f"{parameters['entry']['text']} {parameters['entry'].get('url', '')}")
        return heard

    # --- looking ---

    def evaluate(self, script: str) -> Any:
        answer = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise PageError(answer["exceptionDetails"]["exception"].get("description", script))
        return answer["result"].get("value")

    def until(self, what: str, script: str, seconds: float = 20) -> Any:
        """Waits until the script gives something that is true, and returns it."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if value := self.evaluate(script):
                return value
            time.sleep(0.05)
        raise PageError(f"waited {seconds:.0f} s for {what}; the page shows: {self.text()[:1500]}")

    def text(self, selector: str = "body") -> str:
        """What a person reads there."""
        found: str = self.evaluate(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''")
        return found

    def until_text(self, wanted: str, selector: str = "body", seconds: float = 20) -> None:
        there = f"(document.querySelector({json.dumps(selector)})?.innerText ?? '').includes({json.dumps(wanted)})"
        self.until(f"{wanted!r} in {selector}", there, seconds)

    def screenshot(self, path: Path, whole: bool = False) -> None:
        """What is on the screen, or the whole page."""
        more: dict[str, object] = {}
        if whole:
            size = self.call("Page.getLayoutMetrics")["cssContentSize"]
            more = {
                "captureBeyondViewport": True,
                "clip": {"x": 0, "y": 0, "scale": 1, "width": size["width"], "height": size["height"]},
            }
        picture = self.call("Page.captureScreenshot", format="png", **more)["data"]
        path.write_bytes(base64.b64decode(picture))

    # --- doing ---

    def open(self, address: str) -> None:
        self.call("Page.navigate", url=address)
        self.until(
            "the page",
            f"document.readyState === 'complete' && location.href.startsWith({json.dumps(address)})",
        )

    def reload(self) -> None:
        self.evaluate("window.isOld = true")
        self.call("Page.reload")
        self.until("the page anew", "!window.isOld && document.readyState === 'complete'")

    def tap(self, selector: str, text: str = "") -> None:
        """A real touch, or click, in the middle of the thing; it fails where something else lies over it."""
        where = WHERE % (json.dumps(selector), json.dumps(text))
        place = self.until(f"{selector} {text!r}", where)
        for _ in range(50):  # a page that still scrolls would move it from under the finger
            time.sleep(0.05)
            before, place = place, self.evaluate(where)
            if place == before:
                break
        x, y = place
        if self.size == PHONE:
            self.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
            self.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
        else:
            for kind in ("mousePressed", "mouseReleased"):
                self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def type(self, selector: str, text: str) -> None:
        self.tap(selector)
        self.call("Input.insertText", text=text)

    def press(self, key: str) -> None:
        codes = {
            "Enter": (13, "\r"),
            "Escape": (27, ""),
            "ArrowRight": (39, ""),
            "ArrowLeft": (37, ""),
            "Tab": (9, ""),
        }
        code, text = codes[key]
        for kind in ("keyDown", "keyUp"):
            self.call(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                code=key,
                windowsVirtualKeyCode=code,
                text=text if kind == "keyDown" else "",
            )

    def choose_file(self, selector: str, path: Path) -> None:
        """As the file chooser gives it."""
        self.until(selector, f"document.querySelector({json.dumps(selector)}) !== null")
        document = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=document, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", nodeId=node, files=[str(path)])
