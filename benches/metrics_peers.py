"""What do Python's Ciw (simulation) and pyworkforce answer to the questions of metrics_peers.rs, how long does it take, is it right?

    python3 -m venv target/peers-venv
    target/peers-venv/bin/pip install ciw pyworkforce mpmath
    target/peers-venv/bin/python benches/metrics_peers.py
    target/peers-venv/bin/python benches/metrics_peers.py --references     # Erlang's formulas as metrics_peers.rs holds them

A time is the median of seven answers, or that of the only one where one takes more than a second. An error is relative to
mpmath's value at 50 digits. Ciw is run for 20,000 mean service times, 5,000 from 50 servers on, of which the first 2,000 do not count, with one seed; its
error is one of chance and falls with the square root of the time. It is asked for the mean wait, and for the share who give up.
"""

import statistics
import sys
import time
from importlib.metadata import version

from mpmath import exp, log, loggamma, mp, mpf, nstr

mp.dps = 50

CASES = [
    (10, 9.5), (10, 9.999999999), (100, 95.0), (144, 136.8), (145, 137.75), (170, 60.0), (180, 50.0), (745, 707.75),
    (746, 708.7), (1_000, 950.0), (10_000, 9_500.0), (1_000_000, 999_000.0),
]


def series(first, step):
    """The sum of products of steps, begun with first, until they no longer count."""
    total = term = mpf(first)
    n = 0
    while term > total * mpf(10) ** -55:
        term *= step(n)
        total += term
        n += 1
    return total


def erlang(servers, load):
    """Blocking, share who wait, mean wait in service times."""
    load = mpf(load)
    whole = exp(load + loggamma(servers + 1) - servers * log(load))
    above = series(1, lambda n: load / (servers + n + 1))
    blocking = 1 / (whole - above + 1)
    waits = servers * blocking / (servers - load * (1 - blocking))
    return blocking, waits, waits / (servers - load)


def abandonment(servers, load, patience_rate):
    """The share who give up, in an M/M/c+M with mean service time one."""
    weight, total, queue = mpf(1), mpf(1), mpf(0)
    for n in range(1, 40 * servers):
        weight *= load / (mpf(min(n, servers)) + max(0, n - servers) * mpf(patience_rate))
        total += weight
        queue += weight * max(0, n - servers)
    return patience_rate * queue / total / load


def timed(answer):
    times = []
    while True:
        start = time.perf_counter()
        value = answer()
        times.append(time.perf_counter() - start)
        if times[0] > 1 or len(times) == 7:
            return value, statistics.median(times)


def row(question, size, who, answer, exact):
    try:
        value, seconds = timed(answer)
    except (ArithmeticError, ValueError) as error:
        print(f"| {question} | {size} | {who} | | **{type(error).__name__}** |")
        return
    off = abs(value / exact - 1) if exact else abs(value)
    text = nstr(off, 1) if off == off else "NaN"
    text = text if off < 1e-12 else f"**{text}**"
    print(f"| {question} | {size} | {who} | {seconds * 1e6:.1f} | {text} |", flush=True)


def workforce():
    from pyworkforce.queuing import ErlangC

    who = "pyworkforce"
    for servers, load in CASES:
        _, waits, _ = erlang(servers, load)
        within = 0.01
        exact = 1 - waits * exp(-(servers - mpf(load)) * within)
        desk = ErlangC(transactions=load, aht=1.0, asa=within, interval=1)
        row("Erlang C", f"{servers} servers, {load} erlangs", who, lambda: desk.waiting_probability(servers), waits)
        row("service level", f"{servers} servers, {load} erlangs", who, lambda: desk.service_level(servers), exact)
    for load in (8.0, 95.0, 950.0, 9_000.0):
        servers = int(load) + 1
        while 1 - erlang(servers, load)[1] * exp(-(servers - mpf(load)) * mpf(0.1)) < 0.8:
            servers += 1
        desk = ErlangC(transactions=load, aht=1.0, asa=0.1, interval=1)
        row("fewest servers for 80 %", f"{load} erlangs", who, lambda: desk.required_positions(0.8)["positions"], servers)


def simulation():
    import ciw

    who, until, warm = "Ciw", 20_000, 2_000
    exponential = ciw.dists.Exponential

    def simulate(length, network):
        ciw.seed(1)
        run = ciw.Simulation(network)
        run.simulate_until_max_time(length)
        return [r for r in run.get_all_records() if r.arrival_date > warm]

    for servers, load, length in ((1, 0.9, until), (10, 9.5, until), (100, 95.0, until // 4)):
        network = ciw.create_network(
            arrival_distributions=[exponential(load)], service_distributions=[exponential(1.0)], number_of_servers=[servers]
        )

        def mean_wait():
            records = simulate(length, network)
            return statistics.fmean(r.waiting_time for r in records)

        row("mean wait", f"{servers} servers, {load} erlangs", who, mean_wait, erlang(servers, load)[2])

    network = ciw.create_network(
        arrival_distributions=[exponential(48.0)], service_distributions=[exponential(1.0)], number_of_servers=[50],
        reneging_time_distributions=[exponential(0.5)],
    )

    def gave_up():
        records = simulate(until // 4, network)
        return sum(r.record_type == "renege" for r in records) / len(records)

    row("Erlang A, share who give up", "50 servers, 48 erlangs", who, gave_up, abandonment(50, mpf(48), 0.5))


def main():
    if "--references" in sys.argv:
        for servers, load in CASES:
            print(servers, load, *(nstr(value, 17) for value in erlang(servers, load)))
        return
    print("Python", sys.version.split()[0] + ",", ", ".join(f"{name} {version(name)}" for name in ("ciw", "pyworkforce")))
    print()
    print("| question | size | who | us | relative error |")
    print("|---|---|---|---|---|")
    workforce()
    simulation()


main()
