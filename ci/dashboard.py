#!/usr/bin/env python3
"""Opens the dashboard of examples/monitored_service in headless Chromium and looks at it as a person would.

    ci/dashboard.py PROGRAM [--screenshots FOLDER]

It starts PROGRAM with a load of its own, waits until live figures have changed, and fails on errors of the console, requests
to elsewhere, text with too little contrast, a page that is wider than its screen (light and dark, phone and desk), a page that
does not say that the service has gone, and a service that does not end at once when it is interrupted. It needs nothing but Python and Chromium, which
it talks to by the DevTools protocol over a pipe.
"""

import argparse
import base64
import json
import os
import pathlib
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PATIENCE = 60.0
SCREENS = {"phone": (390, 844), "desk": (1440, 900)}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


class Broken(Exception):
    """What was looked at is not as it should be."""


class Browser:
    """A headless Chromium, and one page in it."""

    def __init__(self, folder):
        program = next(filter(None, map(shutil.which, BROWSERS)), None)
        if program is None:
            raise Broken("no Chromium: install Debian's package chromium")
        to_browser, self.writing = os.pipe()
        self.reading, from_browser = os.pipe()

        def take_three_and_four():
            # Where it expects the pipes; copies first, since one may lie where the other has to go.
            ends = os.dup(to_browser), os.dup(from_browser)
            high = [os.dup2(end, 100 + at) for at, end in enumerate(ends)]
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)

        self.process = subprocess.Popen(
            [program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
             "--hide-scrollbars", f"--user-data-dir={folder}", "--remote-debugging-pipe", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            preexec_fn=take_three_and_four, close_fds=False)
        os.close(to_browser)
        os.close(from_browser)
        self.unread = b""
        self.number = 0
        self.session = None
        self.errors = []
        self.elsewhere = []
        self.origin = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.writing, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise Broken(f"{method}: {answer['error']['message']}")
                return answer["result"]

    def receive(self):
        end = time.monotonic() + PATIENCE
        while b"\0" not in self.unread:
            ready, _, _ = select.select([self.reading], [], [], max(0.0, end - time.monotonic()))
            some = os.read(self.reading, 1 << 20) if ready else b""
            if not some:
                raise Broken("the browser has ended" if ready else "the browser gives no answer")
            self.unread += some
        message, self.unread = self.unread.split(b"\0", 1)
        message = json.loads(message)
        self.note(message.get("method"), message.get("params", {}))
        return message

    def note(self, method, about):
        """Keeps what a person would see in the console, and requests that leave the service."""
        if method == "Runtime.exceptionThrown":
            details = about["exceptionDetails"]
            self.errors.append(details.get("exception", {}).get("description", details["text"]))
        elif method == "Runtime.consoleAPICalled" and about["type"] in ("error", "warning", "assert"):
            self.errors.append(" ".join(str(part.get("value", part.get("description"))) for part in about["args"]))
        elif method == "Log.entryAdded" and about["entry"]["level"] in ("error", "warning"):
            self.errors.append(f"{about['entry']['text']} ({about['entry'].get('url', '')})")
        elif method == "Network.requestWillBeSent" and self.origin is not None:
            url = about["request"]["url"]
            if not url.startswith((self.origin, "data:")):
                self.elsewhere.append(url)

    def open(self, origin, path):
        self.origin = origin
        self.call("Page.navigate", url=origin + path)

    def ask(self, script):
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise Broken(f"{script}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait(self, what, script, good=bool):
        """Asks until the answer is good, and returns it."""
        end = time.monotonic() + PATIENCE
        while True:
            value = self.ask(script)
            if good(value):
                return value
            if time.monotonic() > end:
                raise Broken(f"waited in vain for {what}; it is {value!r}")
            time.sleep(0.1)

    def screen(self, width, height, scheme):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        # Two frames: one that lays out, one that has drawn.
        self.ask("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 500))))")

    def picture(self, file):
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        picture = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        file.write_bytes(base64.b64decode(picture["data"]))

    def close(self):
        self.process.terminate()
        self.process.wait()


# Every text that is shown, with its contrast by WCAG 2 against what is painted behind it, where that is below 4.5 (3 if large).
CONTRAST = r"""
(() => {
  const numbers = (colour) => (colour.match(/[\d.]+/g) ?? []).map(Number);
  const light = (colour) => {
    const [r, g, b] = colour.map((part) => { part /= 255; return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (; element; element = element.parentElement) {
      const [r, g, b, a = 1] = numbers(getComputedStyle(element).backgroundColor);
      if (a > 0) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const weak = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const text = walker.currentNode.textContent.trim();
    if (text === "" || element.getClientRects().length === 0 || element.closest("script, style, noscript")) continue;
    const style = getComputedStyle(element);
    const colour = numbers(element instanceof SVGElement ? style.fill : style.color).slice(0, 3);
    const [high, low] = [light(colour), light(behind(element))].sort((a, b) => b - a);
    const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700);
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio < (large ? 3 : 4.5)) weak.push(`${text.slice(0, 30)}: ${ratio.toFixed(2)}`);
  }
  return weak;
})()
"""

# What has a role or can be focused, and nothing by which it could be called.
NAMELESS = r"""
[...document.querySelectorAll("button, a, [role=img], [role=meter], [role=region], section")]
  .filter((element) => !element.closest("[hidden]"))
  .filter((element) => !(element.getAttribute("aria-label") || element.textContent.trim() || element.hasAttribute("aria-labelledby")))
  .map((element) => element.outerHTML.slice(0, 80))
"""

TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def text(selector):
    return f"document.querySelector({json.dumps(selector)})?.textContent"


def start(program):
    """The service on a port that is free, and its address."""
    service = subprocess.Popen(
        [program, "--listen", "127.0.0.1:0", "--customers", "2000", "--load", "100/s", "--fail", "2%", "--slow", "2%",
         "--seconds", "600"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    for line in service.stderr:
        found = re.search(r"http://127\.0\.0\.1:\d+", line)
        if found:
            return service, found[0]
    raise Broken(f"{program} has ended with {service.wait()}")


def look(browser, address, screenshots):
    browser.open(address, "/dashboard")
    in_all = text('[data-tile="rate"] .under')
    first = browser.wait("the first figures", in_all, lambda shown: shown and re.search(r"[1-9]", shown))
    browser.wait("a live figure to change", in_all, lambda shown: shown != first)
    browser.wait("a response time", text('[data-tile="p99"] .value'), lambda shown: re.search(r"\d", shown))
    browser.wait("a route", text("#routes"), lambda shown: "/customers/{id}" in (shown or ""))
    browser.wait("lines in the chart", "document.querySelector('#response path').getAttribute('d')", lambda path: path and "L" in path)
    browser.wait("the burn rates", text("#objectives tbody"))
    browser.wait("an alert on so many failures", text("#alerts"), lambda shown: "Page: availability" in (shown or ""))
    browser.wait("advice", text("#advice"), lambda shown: "Look at the errors" in (shown or ""))
    browser.wait("a meter", text("#saturation"), lambda shown: re.search(r"\d", shown or ""))

    if screenshots:
        # A picture of two points says little.
        seconds = float(os.environ.get("DASHBOARD_SECONDS", "90"))
        print(f"pictures follow in {seconds:.0f} s", flush=True)
        time.sleep(seconds)
    for name, (width, height) in SCREENS.items():
        for scheme in ("light", "dark"):
            browser.screen(width, height, scheme)
            if screenshots:
                browser.picture(screenshots / f"{name}-{scheme}.png")
            if weak := browser.ask(CONTRAST):
                raise Broken(f"{name}, {scheme}: too little contrast: {'; '.join(weak)}")
            if (wider := browser.ask(TOO_WIDE)) > 0:
                raise Broken(f"{name}, {scheme}: the page is {wider} px wider than the screen")
            print(f"{name}, {scheme}: legible, and no wider than {width} px", flush=True)
    if nameless := browser.ask(NAMELESS):
        raise Broken(f"without a name: {'; '.join(nameless)}")

    # Paused, nothing moves; resumed, it does.
    browser.ask("document.querySelector('#pause').click()")
    still = browser.ask(in_all)
    browser.ask("new Promise((done) => setTimeout(done, 2500))")
    if browser.ask(in_all) != still:
        raise Broken("figures change although the page is paused")
    browser.ask("document.querySelector('#pause').click()")
    browser.wait("a figure to change after the pause", in_all, lambda shown: shown != still)

    # A moment is looked at by the keyboard alone.
    now = browser.ask("document.querySelector('#response svg').getAttribute('aria-label')")
    if "; now: " not in now:
        raise Broken(f"the chart says {now!r}")
    browser.ask("document.querySelector('#response svg').dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowLeft', bubbles: true}))")
    label = "document.querySelector('#response svg').getAttribute('aria-label')"
    browser.wait("the chart to tell an earlier moment", label, lambda label: "; at " in label)
    browser.ask("document.querySelector('#response svg').dispatchEvent(new KeyboardEvent('keydown', {key: 'Escape', bubbles: true}))")
    browser.wait("the chart to tell of now", label, lambda label: "; now: " in label)
    # And by the pointer, which all charts follow.
    left, top = browser.ask("(() => { const box = document.querySelector('#response svg').getBoundingClientRect();"
                            " scrollTo(0, 0); return [box.right - 30, box.top + 60]; })()")
    browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=left, y=top)
    browser.wait("the other chart to tell an earlier moment", label.replace("#response", "#throughput"), lambda label: "; at " in label)
    if screenshots:
        browser.picture(screenshots / "pointer.png")

    if browser.errors:
        raise Broken("the console says: " + " | ".join(browser.errors))
    if browser.elsewhere:
        raise Broken("the page asks elsewhere: " + " ".join(browser.elsewhere))


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("program")
    arguments.add_argument("--screenshots", type=pathlib.Path, metavar="FOLDER")
    arguments = arguments.parse_args()
    if arguments.screenshots:
        arguments.screenshots.mkdir(parents=True, exist_ok=True)
    service, browser = None, None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        try:
            service, address = start(arguments.program)
            browser = Browser(folder)
            look(browser, address, arguments.screenshots)
            # With the page open: its stream of events must not hold the service up.
            service.send_signal(signal.SIGINT)
            try:
                if (code := service.wait(timeout=10)) != 0:
                    raise Broken(f"interrupted, the service has ended with {code}: {service.stderr.read()}")
            except subprocess.TimeoutExpired:
                raise Broken("interrupted, the service does not end") from None
            browser.wait("the page to say that the service has gone", text("#health .words"), lambda shown: shown == "No connection")
            print("the dashboard is live, legible and quiet on the console; the service ends when it is told to")
        except Broken as broken:
            print(f"dashboard: {broken}", file=sys.stderr)
            return 1
        finally:
            if browser:
                browser.close()
            if service and service.poll() is None:
                service.kill()
                service.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
