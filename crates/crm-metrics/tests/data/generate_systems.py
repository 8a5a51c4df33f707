"""Writes systems.txt: networks, availability, intervals and scaling at 80 digits, by formulas as plain as they come.

    python3 generate_systems.py > systems.txt          (needs mpmath; takes a minute or two)

Parameters are IEEE doubles taken at their exact binary value. Networks are solved by mean value analysis or by the full convolution in 80
digits, where neither cancels nor overflows; k of n by all states; intervals by the roots of their definitions. No method is shared with
the crate. The format is that of reference.txt; a list `d` of parameters is spelt d0, d1, and so on.
"""

from itertools import product

from mpmath import binomial, betainc, findroot, lu_solve, matrix, mp, mpf, nstr, sqrt

mp.dps = 80


def emit(model, parameters, values, hard):
    cells = []
    for k, v in parameters.items():
        if isinstance(v, (list, tuple)):
            cells += [f"{k}{i}={x!r}" for i, x in enumerate(v)]
        else:
            cells.append(f"{k}={v!r}")
    print(f"= {model} {' '.join(cells)} {'hard' if hard else 'plain'}")
    for quantity, value in values.items():
        print(quantity, nstr(value, 20))


def network(demands, servers, population, think, hard=False):
    """The textbook's convolution over all stations, each with its full weights. Zero servers are a delay."""
    n = population
    d = [mpf(x) for x in demands]

    def weights(k):
        w = [mpf(1)]
        for j in range(1, n + 1):
            speed = j if servers[k] == 0 else min(j, servers[k])
            w.append(w[-1] * d[k] / speed)
        return w

    def times(a, k):
        if k == "think" or servers[k] != 1:
            w = weights(k) if k != "think" else think_weights
            return [sum(a[i] * w[m - i] for i in range(m + 1)) for m in range(n + 1)]
        out = list(a)
        for m in range(1, n + 1):
            out[m] += d[k] * out[m - 1]
        return out

    think_weights = [mpf(1)]
    for j in range(1, n + 1):
        think_weights.append(think_weights[-1] * mpf(think) / j)
    g = think_weights
    for k in range(len(d)):
        g = times(g, k)
    x = g[n - 1] / g[n]
    values = {"X": x, "R": n / x - mpf(think), "ln_G": mp.log(g[n])}
    for k in range(len(d)):
        rest = think_weights
        for other in range(len(d)):
            if other != k:
                rest = times(rest, other)
        w = weights(k)
        values[f"Q_{k}"] = sum(j * w[j] * rest[n - j] for j in range(n + 1)) / g[n]
    emit("network", {"d": demands, "s": [float(s) for s in servers], "n": float(n), "z": think}, values, hard)


def mean_values(demands, population, think, hard=False):
    d = [mpf(x) for x in demands]
    q = [mpf(0)] * len(d)
    for n in range(1, population + 1):
        r = [a * (1 + b) for a, b in zip(d, q)]
        x = n / (mpf(think) + sum(r))
        q = [x * a for a in r]
    values = {"X": x, "R": sum(r)}
    values.update({f"Q_{k}": v for k, v in enumerate(q)})
    servers = [1.0] * len(d)
    emit("network", {"d": demands, "s": servers, "n": float(population), "z": think}, values, hard)


def classes(demands, populations, think, hard=False):
    """demands by class, then station."""
    stations = range(len(demands[0]))
    totals = {tuple([0] * len(populations)): [mpf(0) for _ in stations]}
    for state in product(*(range(n + 1) for n in populations)):
        if not any(state):
            continue
        total = [mpf(0) for _ in stations]
        values = {}
        for c, n in enumerate(state):
            if n == 0:
                continue
            fewer = totals[state[:c] + (n - 1,) + state[c + 1:]]
            r = [mpf(demands[c][k]) * (1 + fewer[k]) for k in stations]
            x = n / (mpf(think[c]) + sum(r))
            values[f"X_{c}"] = x
            values[f"R_{c}"] = sum(r)
            for k in stations:
                total[k] += x * r[k]
        totals[state] = total
    values.update({f"Q_{k}": total[k] for k in stations})
    flat = {f"d{c}_": list(row) for c, row in enumerate(demands)}
    emit("classes", {**flat, "n": [float(n) for n in populations], "z": list(think),
                     "stations": float(len(total))}, values, hard)


def jackson(external, routing, mu, servers, hard=False):
    size = len(mu)
    a = matrix(size, size)
    for i in range(size):
        for j in range(size):
            a[j, i] = (1 if i == j else 0) - mpf(routing[i][j])
    rates = lu_solve(a, matrix([mpf(x) for x in external]))
    values = {}
    total = mpf(0)
    for k in range(size):
        lam, m, c = rates[k], mpf(mu[k]), servers[k]
        load = lam / m
        rho = load / c
        terms = [load**j / mp.factorial(j) for j in range(c)]
        last = load**c / mp.factorial(c) / (1 - rho)
        waits = last / (sum(terms) + last)
        number = load + waits * rho / (1 - rho)
        values[f"lambda_{k}"] = lam
        values[f"L_{k}"] = number
        values[f"W_{k}"] = number / lam
        total += number
    values["R"] = total / sum(mpf(x) for x in external)
    flat = {f"p{i}_": list(row) for i, row in enumerate(routing)}
    emit("jackson", {"external": external, **flat, "mu": mu, "c": [float(c) for c in servers]}, values, hard)


def k_of_n(k, n, p, hard=False):
    a, u = mpf(p), 1 - mpf(p)
    terms = [binomial(n, i) * a**i * u ** (n - i) for i in range(n + 1)]
    emit("k_of_n", {"k": float(k), "n": float(n), "p": p},
         {"up": sum(terms[k:]), "down": sum(terms[:k])}, hard)


def k_of_units(k, units, hard=False):
    up = down = mpf(0)
    for states in product((0, 1), repeat=len(units)):
        weight = mpf(1)
        for works, p in zip(states, units):
            weight *= mpf(p) if works else 1 - mpf(p)
        if sum(states) >= k:
            up += weight
        else:
            down += weight
    emit("k_of_units", {"k": float(k), "p": units}, {"up": up, "down": down}, hard)


def duplex(mttf, mttr, coverage, reconfiguration, reboot, hard=False):
    a, m, c = 1 / mpf(mttf), 1 / mpf(mttr), mpf(coverage)
    d, b = 1 / mpf(reconfiguration), 1 / mpf(reboot)
    # States: both, reconfiguring, rebooting, one, none.
    rates = {(0, 1): 2 * a * c, (0, 2): 2 * a * (1 - c), (1, 3): d, (2, 3): b, (3, 4): a, (3, 0): m, (4, 3): m}
    q = matrix(5, 5)
    for (i, j), r in rates.items():
        q[j, i] += r
        q[i, i] -= r
    for j in range(5):
        q[4, j] = 1
    p = lu_solve(q, matrix([0, 0, 0, 0, 1]))
    # The mean time to absorption in rebooting or none.
    t = matrix([[2 * a, -2 * a * c, 0], [0, d, -d], [-m, 0, a + m]])
    mean = lu_solve(t, matrix([1, 1, 1]))[0]
    emit("duplex", {"mttf": mttf, "mttr": mttr, "coverage": coverage, "reconfiguration": reconfiguration, "reboot": reboot},
         {"two": p[0], "reconfiguring": p[1], "rebooting": p[2], "one": p[3], "none": p[4],
          "down": p[1] + p[2] + p[4], "mttf": mean}, hard)


def wilson(k, n, z, hard=False):
    p, z2 = mpf(k) / n, mpf(z) ** 2
    half = mpf(z) * sqrt(p * (1 - p) / n + z2 / (4 * mpf(n) ** 2))
    centre = p + z2 / (2 * n)
    emit("wilson", {"k": float(k), "n": float(n), "z": z},
         {"low": (centre - half) / (1 + z2 / n) if k else mpf(0), "high": (centre + half) / (1 + z2 / n)}, hard)


def clopper_pearson(k, n, alpha, hard=False):
    half = mpf(alpha) / 2

    def tail(x, j):  # P(B >= j)
        return sum(binomial(n, i) * x**i * (1 - x) ** (n - i) for i in range(j, n + 1)) if n <= 400 else betainc(
            j, n - j + 1, 0, x, regularized=True)

    def root(f):
        low, high = mpf(0), mpf(1)
        for _ in range(240):
            middle = (low + high) / 2
            low, high = (middle, high) if f(middle) else (low, middle)
        return low

    emit("clopper_pearson", {"k": float(k), "n": float(n), "alpha": alpha},
         {"low": root(lambda x: tail(x, k) < half) if k else mpf(0),
          "high": root(lambda x: 1 - tail(x, k + 1) > half) if k < n else mpf(1)}, hard)


def usl_fit(name, data):
    points = [(mpf(n), mpf(x)) for n, x in data]

    def model(g, a, b, n):
        return g * n / (1 + a * (n - 1) + b * n * (n - 1))

    def slopes(g, a, b):
        total = [mpf(0)] * 3
        for n, x in points:
            d = 1 + a * (n - 1) + b * n * (n - 1)
            e = x - g * n / d
            total[0] += e * n / d
            total[1] += e * g * n * (n - 1) / d**2
            total[2] += e * g * n * n * (n - 1) / d**2
        return total

    # From the fitted values as a start, any that is close.
    start = {"six_points": (20, "0.02", "0.002"), "specsdm91": (90, "0.03", "0.0001")}[name]
    g, a, b = findroot(slopes, [mpf(s) for s in start])
    rss = sum((x - model(g, a, b, n)) ** 2 for n, x in points)
    s2 = rss / (len(points) - 3)
    jtj = matrix(3, 3)
    for n, x in points:
        d = 1 + a * (n - 1) + b * n * (n - 1)
        row = [n / d, -g * n * (n - 1) / d**2, -g * n * n * (n - 1) / d**2]
        for i in range(3):
            for j in range(3):
                jtj[i, j] += row[i] * row[j]
    inverse = jtj**-1
    emit("usl_fit", {"n": [n for n, _ in data], "x": [x for _, x in data]},
         {"gamma": g, "alpha": a, "beta": b, "s": sqrt(s2), "se_gamma": sqrt(s2 * inverse[0, 0]),
          "se_alpha": sqrt(s2 * inverse[1, 1]), "se_beta": sqrt(s2 * inverse[2, 2])}, False)


def student(confidence, freedom, hard=False):
    half = (1 - mpf(confidence)) / 2
    nu = mpf(freedom)

    def tail(t):
        return betainc(nu / 2, mpf(1) / 2, 0, nu / (nu + t * t), regularized=True) / 2

    low, high = mpf(0), mpf(10) ** 9
    for _ in range(260):
        middle = (low + high) / 2
        low, high = (middle, high) if tail(middle) > half else (low, middle)
    emit("student", {"confidence": confidence, "freedom": float(freedom)}, {"t": low}, hard)


print("#", " ".join(__doc__.splitlines()[2].split()), flush=True)
network([2.0, 3.0, 1.0], [1, 1, 1], 20, 4.0)
network([0.5, 0.3, 0.4], [2, 1, 1], 3, 1.0)
network([4.0], [8], 80, 10.0)
network([4.0, 0.3], [8, 1], 90, 10.0)
network([0.05, 0.03, 0.012], [4, 2, 1], 200, 2.0)
network([1.0, 2.0, 0.5], [0, 3, 5], 40, 0.0)
network([1.0, 1.0], [2, 50], 30, 0.0)
network([0.3, 0.2, 0.1, 0.25], [3, 2, 1, 0], 150, 0.7)
network([1e-9, 1e6, 3.0], [2, 1, 4], 25, 1e3, True)
network([300.0, 1.0], [290, 1], 300, 10.0, True)
network([1e-200, 2e-200], [3, 1], 60, 1e-199, True)
for n in (1, 2, 7, 100):
    mean_values([0.125 * 16, 3.0, 0.9], n, 0.25)
mean_values([0.01, 0.02, 0.005, 0.0199999], 10_000, 100.0, True)
mean_values([0.001], 10_000, 10.0, True)
mean_values([0.1 + 1e-9 * k for k in range(10)], 3_000, 0.0, True)
mean_values([1e-12, 1.0, 1e-3], 1_000, 0.0, True)
classes([[0.01, 0.0405, 0.05, 0.0], [0.05, 0.0, 0.05, 0.0392]], [3, 2], [0.0, 0.0])
classes([[10.0, 7.0, 5.0, 4.0], [5.0, 2.0, 4.0, 6.0]], [20, 10], [0.0, 0.0])
classes([[0.02, 0.05], [0.03, 0.01], [0.01, 0.02]], [6, 5, 4], [1.0, 2.0, 0.5])
classes([[1e-8, 3.0], [5e5, 1.0]], [9, 12], [1e4, 0.0], True)
jackson([35.0, 15.0], [[0.0, 0.3], [0.1, 0.0]], [20.0, 5.0], [3, 7])
jackson([0.0, 0.0, 0.0, 4.0], [[0.0, 0.5, 0.5, 0.0], [1.0, 0.0, 0.0, 0.0], [0.6, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]],
        [25.0, 100 / 3, 50 / 3, 20.0], [1, 1, 1, 1])
jackson([1.0, 0.0], [[0.0, 0.999999999], [1.0, 0.0]], [2e9, 5e8], [1, 3], True)
jackson([1e-6, 2e-6, 0.0], [[0.25, 0.5, 0.125], [0.0, 0.5, 0.5], [0.75, 0.0, 0.125]], [1.0, 1e-4, 1.0], [2, 1, 1], True)
for k, n, p in ((1, 2, 0.99), (2, 3, 0.99), (3, 5, 0.999), (90, 100, 0.999), (500, 1000, 0.5), (499, 1000, 0.5), (3, 3, 0.9)):
    k_of_n(k, n, p)
for k, n, p in ((999, 1000, 0.9999999), (1, 50, 1e-9), (1, 12, 0.999999999999), (1000, 1000, 0.999999999999), (700, 1000, 0.75),
                (300, 1000, 0.25), (1, 1, 0.3)):
    k_of_n(k, n, p, True)
k_of_units(2, [0.99, 0.98, 0.9])
k_of_units(3, [0.9999, 0.999999, 0.99, 0.5, 0.95, 0.9999999])
k_of_units(5, [0.999999999, 0.99999, 0.9999999, 0.999, 0.99999999, 0.9999])
duplex(5000.0, 4.0, 0.9, 30 / 3600, 600 / 3600)
duplex(1e6, 0.25, 0.999999, 1e-3, 0.5)
duplex(3.0, 5.0, 0.0, 0.1, 0.2)
duplex(3.0, 5.0, 1.0, 0.1, 0.2)
Z = 1.959963984540054
for k, n in ((0, 10), (10, 10), (5, 1000), (123, 456), (1, 1), (228, 456)):
    wilson(k, n, Z)
    clopper_pearson(k, n, 0.05)
for k, n, z in ((0, 10**6, Z), (3, 10**9, Z), (10**9 - 3, 10**9, Z), (10**6 - 1, 10**6, Z), (5, 10, 1e-6), (5, 10, 1e6)):
    wilson(k, n, z, True)
for k, n, alpha in ((1, 3, 1e-9), (2, 3, 1e-9), (350, 400, 1e-6), (40, 400, 0.3), (399, 400, 0.01), (2, 400, 0.999), (3, 5000, 0.05),
                    (4997, 5000, 0.05)):
    clopper_pearson(k, n, alpha, True)
usl_fit("six_points", [(1.0, 20.0), (4.0, 78.0), (8.0, 130.0), (12.0, 170.0), (16.0, 190.0), (20.0, 200.0)])
usl_fit("specsdm91", [(1.0, 64.9), (18.0, 995.9), (36.0, 1652.4), (72.0, 1853.2), (108.0, 1828.9), (144.0, 1775.0), (216.0, 1702.2)])
for confidence, freedom in ((0.95, 1), (0.95, 2), (0.99, 3), (0.5, 4), (0.9, 5), (0.95, 30), (0.999, 499), (0.95, 500), (0.95, 501),
                            (0.95, 502), (0.99, 10_000)):
    student(confidence, freedom)
