"""Writes approximations.txt: exact mean waits of GI/G/c with phase-type times, to hold the two-moment approximations against.

    python3 approximations.py > approximations.txt          (standard library only; takes some seconds)

Times are Erlang-2 (squared variation 0.5), exponential (1), or hyperexponential of two phases with balanced means (2 and 4). States are the phase of
the next arrival and how many services are in the first phase; beyond c the chain is a quasi-birth-death process, solved by logarithmic
reduction (G. Latouche and V. Ramaswami 1993) in double precision. Service takes one unit of time. Printed are twelve digits.
"""

from math import sqrt


def phases(variation):
    """Initial probabilities, rates by phase, and probabilities to go on from the first phase to the second; mean one."""
    if variation == 0.5:
        return [1.0, 0.0], [2.0, 2.0], 1.0
    if variation == 1.0:
        return [1.0, 0.0], [1.0, 1.0], 0.0
    p = 0.5 * (1 + sqrt((variation - 1) / (variation + 1)))
    return [p, 1 - p], [2 * p, 2 * (1 - p)], 0.0


def zeros(n, m):
    return [[0.0] * m for _ in range(n)]


def times(a, b):
    columns = list(zip(*b))
    return [[sum(x * y for x, y in zip(row, column)) for column in columns] for row in a]


def plus(a, b, sign=1.0):
    return [[x + sign * y for x, y in zip(r, s)] for r, s in zip(a, b)]


def identity(n):
    return [[float(i == j) for j in range(n)] for i in range(n)]


def solved(a, b):
    """The inverse of a times b, with pivots."""
    n = len(a)
    m = [row[:] + other[:] for row, other in zip(a, b)]
    for k in range(n):
        best = max(range(k, n), key=lambda i: abs(m[i][k]))
        m[k], m[best] = m[best], m[k]
        for i in range(n):
            if i != k and m[i][k] != 0.0:
                f = m[i][k] / m[k][k]
                m[i] = [x - f * y for x, y in zip(m[i], m[k])]
    return [[x / m[k][k] for x in m[k][n:]] for k in range(n)]


def inverse(a):
    return solved(a, identity(len(a)))


def exact(ca2, cs2, c, rho):
    start_a, rates_a, on_a = phases(ca2)
    rates_a = [rho * c * r for r in rates_a]
    start_s, rates_s, on_s = phases(cs2)

    def level(n):
        busy = min(n, c)
        return [(a, j) for a in (0, 1) for j in range(busy + 1)]

    def blocks(n):
        here = level(n)
        down, up = level(max(n - 1, 0)), level(n + 1)
        index_here = {s: i for i, s in enumerate(here)}
        index_down = {s: i for i, s in enumerate(down)}
        index_up = {s: i for i, s in enumerate(up)}
        low, mid, high = zeros(len(here), len(down)), zeros(len(here), len(here)), zeros(len(here), len(up))
        busy = min(n, c)
        for (a, j), i in index_here.items():
            out = 0.0
            # An arrival's phase ends: it goes on, or arrives and the next begins.
            rate = rates_a[a]
            out += rate
            go_on = on_a if a == 0 else 0.0
            if go_on:
                mid[i][index_here[(1, j)]] += rate * go_on
            for b in (0, 1):
                share = rate * (1 - go_on) * start_a[b]
                if share == 0.0:
                    continue
                if n < c:
                    for s in (0, 1):
                        if start_s[s]:
                            high[i][index_up[(b, j + (s == 0))]] += share * start_s[s]
                else:
                    high[i][index_up[(b, j)]] += share
            for s, number in ((0, j), (1, busy - j)):
                rate = rates_s[s] * number
                if rate == 0.0:
                    continue
                out += rate
                go_on = on_s if s == 0 else 0.0
                if go_on:
                    mid[i][index_here[(a, j - 1)]] += rate * go_on
                left = j - (s == 0)
                done = rate * (1 - go_on)
                if done == 0.0:
                    continue
                if n > c:
                    for t in (0, 1):
                        if start_s[t]:
                            low[i][index_down[(a, left + (t == 0))]] += done * start_s[t]
                else:
                    low[i][index_down[(a, left)]] += done
            mid[i][i] -= out
        return low, mid, high

    low, mid, high = blocks(c + 1)
    n = len(mid)
    neg = [[-x for x in row] for row in mid]
    h, l = solved(neg, high), solved(neg, low)
    g, t = l, h
    for _ in range(60):
        u = plus(times(h, l), times(l, h))
        rest = plus(identity(n), u, -1.0)
        h, l = solved(rest, times(h, h)), solved(rest, times(l, l))
        g = plus(g, times(t, l))
        t = times(t, h)
        if max(map(max, t)) < 1e-18:
            break
    r = times(high, inverse(plus(neg, times(high, g), -1.0)))
    ratios = {c: r}
    for k in range(c - 1, -1, -1):
        _, mid1, _ = blocks(k + 1)
        low2, _, _ = blocks(k + 2)
        _, _, up = blocks(k)
        inner = [[-x for x in row] for row in plus(mid1, times(ratios[k + 1], low2))]
        ratios[k] = times(up, inverse(inner))
    _, mid0, _ = blocks(0)
    low1, _, _ = blocks(1)
    q = plus(mid0, times(ratios[0], low1))
    # Two states, or one that is ever visited.
    pi = [[q[1][0], q[0][1]]] if q[1][0] + q[0][1] > 0 and on_a + start_a[1] > 0 else [[1.0, 0.0]]
    total = sum(pi[0])
    arrivals, waits = 0.0, 0.0

    def arriving(v, states):
        return sum(x * rates_a[a] * (1 - (on_a if a == 0 else 0.0)) for x, (a, _) in zip(v, states))

    arrivals += arriving(pi[0], level(0))
    for k in range(c):
        pi = times(pi, ratios[k])
        if k + 1 < c:
            total += sum(pi[0])
            arrivals += arriving(pi[0], level(k + 1))
    rest = inverse(plus(identity(n), r, -1.0))
    whole = times(pi, rest)
    total += sum(whole[0])
    waits = arriving(whole[0], level(c))
    arrivals += waits
    line = times(times(whole, r), rest)
    return sum(line[0]) / total / (rho * c), waits / arrivals


print("#", " ".join(__doc__.splitlines()[2].split()), flush=True)
for ca2 in (0.5, 1.0, 2.0, 4.0):
    for cs2 in (0.5, 1.0, 2.0, 4.0):
        for c in (1, 2, 5, 12):
            for rho in (0.5, 0.7, 0.9, 0.98):
                if max(ca2, cs2) == 4.0 and min(ca2, cs2) == 0.5 and c == 12:
                    continue
                wait, waits = exact(ca2, cs2, c, rho)
                print(f"= gigc rho={rho} servers={c} ca2={ca2} cs2={cs2} plain")
                print(f"Wq {wait:.12g}\np_wait {waits:.12g}", flush=True)
