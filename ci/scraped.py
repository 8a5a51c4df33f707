"""Holds what a Prometheus server has stored against what was recorded.

    scraped.py known SERVER PROGRAM      the example `scraped` of crm-monitor, once as text and once with native histograms
    scraped.py service SERVER PROGRAM    the example `monitored_service`, after some requests

SERVER is a Prometheus server of 2.40 or later. It scrapes the program twice a second and is asked by its HTTP API. Nothing listens
beyond this machine, and everything ends with the script.
"""

import contextlib
import json
import math
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path

# How long anything is waited for, in seconds.
PATIENCE = 60

# What the server adds to each target.
OF_THE_SERVER = re.compile("up|scrape_.*")

NATIVE = "--enable-feature=native-histograms"

REQUESTS = 137


def check(holds, *what):
    if not holds:
        sys.exit("scraped.py: " + " ".join(str(part) for part in what))


def fetch(url, accept="*/*"):
    request = urllib.request.Request(url, headers={"Accept": accept})
    # No proxy of the environment stands between two programs of one machine.
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
        return answer.read().decode("utf-8")


@contextlib.contextmanager
def running(command, **options):
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **options)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextlib.contextmanager
def prometheus(server, target, *flags):
    """A server that scrapes the target; what is given is a function that evaluates an expression."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "prometheus.yml")
        scrape = {"job_name": "crm", "scrape_interval": "500ms", "scrape_timeout": "500ms"}
        scrape["static_configs"] = [{"targets": [target]}]
        # JSON is YAML.
        config.write_text(json.dumps({"scrape_configs": [scrape]}), encoding="utf-8")
        log = Path(folder, "log")
        address = f"127.0.0.1:{free_port()}"
        command = [server, f"--config.file={config}", f"--storage.tsdb.path={folder}/data"]
        command += [f"--web.listen-address={address}", *flags]
        with log.open("wb") as written, running(command, stderr=written) as process:

            def ask(expression):
                query = urllib.parse.urlencode({"query": expression})
                return json.loads(fetch(f"http://{address}/api/v1/query?{query}"))["data"]["result"]

            def is_ready():
                check(process.poll() is None, "the server ended:", log.read_text(errors="replace")[-2000:])
                with contextlib.suppress(OSError):
                    return fetch(f"http://{address}/-/ready")

            wait_for("the server", is_ready)
            yield ask


def wait_for(what, found):
    """What `found` returns, as soon as that is something."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        result = found()
        if result:
            return result
        time.sleep(0.1)
    sys.exit(f"scraped.py: {what} did not come in {PATIENCE} s")


def stored(ask):
    """Every sample of the target: {(name, labels): value}."""
    samples = {}
    for series in ask('{job="crm"}'):
        labels = {name: value for name, value in series["metric"].items() if name not in ("job", "instance")}
        name = labels.pop("__name__")
        if "value" in series and not OF_THE_SERVER.fullmatch(name):
            samples[name, frozenset(labels.items())] = float(series["value"][1])
    return samples


LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)",?')
SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\})? (\S+)')
ESCAPES = {"\\n": "\n", '\\"': '"', "\\\\": "\\"}


def told(text):
    """Every sample of a text: {(name, labels): value}."""
    samples = {}
    for line in text.split("\n"):
        if line and not line.startswith("#"):
            name, labels, value = SAMPLE.match(line).groups()
            labels = {
                name: re.sub(r"\\.", lambda escape: ESCAPES[escape[0]], value)
                for name, value in LABEL.findall(labels or "")
            }
            samples[name, frozenset(labels.items())] = float(value)
    return samples


def difference(one, other):
    return sorted(map(str, one.items() ^ other.items()))[:10]


def same(what, wanted, ask):
    """Waits until exactly the samples that are wanted are stored."""
    end = time.monotonic() + PATIENCE
    while (found := stored(ask)) != wanted:
        check(time.monotonic() < end, what, "differs:", *difference(found, wanted))
        time.sleep(0.2)
    print(f"{what}: {len(wanted)} samples as they were exposed")


def known(server, program):
    for flags in ([], [NATIVE]):
        with running([program]) as process:
            target = json.loads(process.stdout.readline())["address"]
            with prometheus(server, target, *flags) as ask:
                expected = json.loads(process.stdout.readline())
                samples = {
                    (one["name"], frozenset(one["labels"].items())): float(one["value"]) for one in expected["samples"]
                }
                if flags:
                    native(samples, expected["histogram"], ask)
                else:
                    classic(samples, f"http://{target}/metrics", ask)


def classic(samples, url, ask):
    text = told(fetch(url, "application/openmetrics-text; version=1.0.0"))
    wrong = {key: (value, text.get(key)) for key, value in samples.items() if text.get(key) != value}
    check(not wrong, "exposed is not what was recorded:", wrong)
    same("text", text, ask)


def native(samples, histogram, ask):
    """Counters and gauges are there as before; the histogram is one sample, with buckets of its own."""
    name = histogram["name"]
    plain = {key: value for key, value in samples.items() if not key[0].startswith(name)}

    def all_of_it():
        found = ask(f"histogram_count({name})")
        return found and float(found[0]["value"][1]) == float(histogram["count"])

    wait_for("the native histogram", all_of_it)
    found = {key: value for key, value in stored(ask).items() if key in plain}
    check(found == plain, "differs:", *difference(found, plain))
    (total,) = ask(f"histogram_sum({name})")
    # Protobuf has a float, which is made of a sum of nanoseconds by rounding twice.
    is_sum = math.isclose(float(total["value"][1]), float(histogram["sum"]), rel_tol=4e-16)
    check(is_sum, "the sum is", total, "and not", histogram["sum"])
    (series,) = ask(name)
    buckets = series["histogram"][1]["buckets"]
    counted = sum(float(bucket[3]) for bucket in buckets)
    check(counted == float(histogram["count"]), "the buckets have", counted, "and not", histogram["count"])
    for q, true in histogram["quantiles"]:
        (answer,) = ask(f"histogram_quantile({q}, {name})")
        value = float(answer["value"][1])
        # The width of a bucket of schema 3 and twice the layout's error, and the chance in what the example has kept.
        check(abs(math.log(value / true)) < 0.115, f"the quantile {q} is", value, "and not", true)
    print(f"native: {len(buckets)} buckets with count, sum and quantiles as they were recorded")


def service(server, program):
    command = [program, "--listen=127.0.0.1:0", "--customers=500", "--query=0ms", f"--seconds={4 * PATIENCE}"]
    with running(command, stderr=subprocess.STDOUT) as process:
        lines = iter(process.stdout.readline, "")
        address = next((found[1] for line in lines if (found := re.search(r"http://([0-9.]+:[0-9]+)", line))), None)
        check(address, "the service has no address")
        with prometheus(server, address) as ask:
            for number in range(REQUESTS):
                fetch(f"http://{address}/customers/{number % 500 + 1}")
            url = f"http://{address}/metrics"

            def settled():
                """What is exposed for the route of the requests, as soon as it does not change and is what is stored."""
                once, again = [told(fetch(url, "application/openmetrics-text; version=1.0.0")) for _ in range(2)]
                there = stored(ask)
                mine = {key: value for key, value in once.items() if ("route", "/customers/{id}") in key[1]}
                count = [value for (name, _), value in mine.items() if name.endswith("_seconds_count")]
                is_mine = mine and sum(count) == REQUESTS
                return is_mine and all(again.get(key) == there.get(key) == value for key, value in mine.items()) and mine

            mine = wait_for("what the service exposes", settled)
            print(f"service: {len(mine)} samples of {REQUESTS} requests as they were exposed")


if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] not in ("known", "service"):
        sys.exit("usage: scraped.py known|service SERVER PROGRAM")
    {"known": known, "service": service}[sys.argv[1]](*sys.argv[2:])
