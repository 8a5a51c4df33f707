"""Writes waiting_lines.txt: values of Erlang A, M/M/c/K, finite sources and the like at 60 digits, by sums over all states.

    python3 waiting_lines.py > waiting_lines.txt          (needs mpmath; takes some minutes)

Form and conventions are those of generate.py: parameters at their exact binary value, no method shared with the crate.
Distributions of waits are sums over the states that an arrival finds, of Erlang distributions or, with abandonment, integrals
of the textbook's density by quadrature.
"""

from mpmath import mp, mpf, exp, expm1, log, loggamma, nstr, quad, sqrt, erfc, pi, findroot, binomial

mp.dps = 60


def emit(model, parameters, values, hard):
    cells = " ".join(f"{k}={v!r}" for k, v in parameters.items())
    print(f"= {model} {cells} {'hard' if hard else 'plain'}")
    for quantity, value in values.items():
        if quantity.startswith("ln_") or value == 0 or mpf("1e-300") < abs(value) < mpf("1e300"):
            print(quantity, nstr(value, 20))


def chain(rates, n):
    """States 0..n of a birth-death chain whose step from i to i + 1 multiplies the weight by rates(i)."""
    weights = [mpf(1)]
    for i in range(n):
        weights.append(weights[-1] * rates(i))
    total = sum(weights)
    return [w / total for w in weights]


def moments(p, of=lambda n: n):
    mean = sum(of(n) * q for n, q in enumerate(p))
    return mean, sum(mpf(of(n)) ** 2 * q for n, q in enumerate(p)) - mean**2


def stages_tail(p, c, rate, t):
    """Of the shares p of arrivals that find n there, those who wait longer than t."""
    tau = rate * t
    term = exp(-tau)
    below = mpf(0)
    total = mpf(0)
    for j in range(len(p) - c):
        below += term
        term *= tau / (j + 1)
        total += p[c + j] * below
    return total


def loss_real(c, a, hard=False):
    c0, a0 = c, a
    c, a = mpf(c), mpf(a)
    # 1/B = a times the integral of e^(-a t) (1 + t)^c, by way of the incomplete gamma function's series.
    # T = sum a^j / ((c+1) .. (c+j)), 1/B = c! e^a / a^c - T.
    mp.dps = 60 + int(max(0, (a - c) ** 2 / (2 * c) if a > c else 0) * 0.9) + (int(a) if a > 3 * c else 0)
    c, a = mpf(c0), mpf(a0)
    term, t, j = mpf(1), mpf(0), 0
    while True:
        j += 1
        term *= a / (c + j)
        t += term
        if j > a - c and term < t * mpf(10) ** (-mp.dps - 5):
            break
    inverse = exp(loggamma(c + 1) + a - c * log(a)) - t
    values = {"blocking": 1 / inverse, "ln_blocking": -log(inverse)}
    mp.dps = 60
    emit("erlang_b_real", {"servers": c0, "offered_load": a0}, values, hard)


def load_for(c, b, hard=False):
    target = 1 / mpf(b) - 1

    def excess(x):
        a = exp(x)
        term = total = mpf(1)
        for k in range(c, 0, -1):
            term *= k / a
            total += term
        return log(total - 1) - log(target)

    low, high = log(mpf(c)) - 60, log(mpf(c)) + 60
    for _ in range(230):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    emit("erlang_b_load", {"servers": c, "blocking": b}, {"offered_load": exp(low)}, hard)


def erlang_a(lam, mu, c, theta, hard=False, times=()):
    l, m, th = mpf(lam), mpf(mu), mpf(theta)
    # States far beyond the mode do not count at sixty digits.
    n = c
    weight = top = mpf(1)
    while weight > top * mpf(10) ** -70:
        weight *= l / (c * m + (n - c + 1) * th)
        top = max(top, weight)
        n += 1
    p = chain(lambda i: l / (min(i + 1, c) * m + max(0, i + 1 - c) * th), n)
    waits = sum(p[c:])
    queue, var_queue = moments(p, lambda i: max(0, i - c))
    system, var_system = moments(p)
    abandon = th * queue / l
    idle = sum((c - i) * p[i] for i in range(c))
    # One who finds j waiting meets j + 1 stages of rates c mu + i theta, i = 1..j+1, and is served with probability c mu / (c mu + (j+1) theta).
    served_wait = all_square = mpf(0)
    time = square = mpf(0)
    for j in range(n - c):
        rate = c * m + (j + 1) * th
        time += 1 / rate
        square += 1 / rate**2
        served_wait += p[c + j] * (c * m / rate) * time
    served = 1 - abandon
    values = {
        "p_wait": waits, "ln_p_wait": log(waits), "p_abandon": abandon, "p_abandon_given_wait": abandon / waits,
        "Lq": queue, "L": system, "Wq": queue / l, "Wq_given_wait": queue / l / waits, "rho": (c - idle) / c,
        "idle": idle, "served": sum(min(i, c) * p[i] for i in range(n + 1)) * m / l, "var_Lq": var_queue, "var_L": var_system,
        "Wq_served": served_wait / served, "Wq_abandoned": (queue / l - served_wait) / abandon,
    }
    for k in sorted({0, 1, c // 2, c - 1, c, c + 1, c + 10}):
        if k <= n:
            values[f"ln_p_{k}"] = log(p[k])
    # The wait offered to the infinitely patient has a density proportional to exp((lambda/theta)(1 - e^(-theta t)) - c mu t).
    top = max(mpf(0), log(l / (c * m)) / th)
    drift = lambda t: (l / th) * -expm1(-th * t) - c * m * t
    height = drift(top)
    density = lambda t: exp(drift(t) - height)
    spread = 1 / sqrt(c * m * th)
    end = top + 1 / (c * m)
    while drift(end) > height - 160:
        end = top + 1.3 * (end - top)
    # Panels that grow from the top outwards.
    steps = [mpf(1) / 2**k for k in range(12, -1, -1)]
    marks = [top + (end - top) * s for s in steps] + [top - top * s for s in steps]
    marks += [t for t in (top + k * spread for k in range(-20, 21, 2)) if 0 < t < end] + [top, end]

    def integral(f, start):
        return quad(f, [mpf(start)] + sorted({t for t in marks if t > start}))

    for t in times:
        whole = integral(density, 0)
        values[f"P(Wq>{t!r})"] = waits * exp(-th * mpf(t)) * integral(density, t) / whole
        late = waits * integral(lambda u: density(u) * exp(-th * u), t) / whole
        values[f"P(served,Wq>{t!r})"] = late
        if served - late > mpf("1e-30"):  # else the difference has no digits
            values[f"P(served,Wq<={t!r})"] = served - late
    emit("erlang_a", {"lambda": lam, "mu": mu, "servers": c, "theta": theta}, values, hard)


def mmck(lam, mu, c, k, hard=False, times=()):
    l, m = mpf(lam), mpf(mu)
    p = chain(lambda i: l / (min(i + 1, c) * m), k)
    accepted = sum(p[:-1])
    queue, var_queue = moments(p, lambda i: max(0, i - c))
    system, var_system = moments(p)
    through = l * accepted
    seen = [q / accepted for q in p[:-1]]
    stages = [max(0, i - c + 1) for i in range(k)]
    wait = sum(s * q for s, q in zip(stages, seen)) / (c * m)
    square = sum(s * (s + 1) * q for s, q in zip(stages, seen)) / (c * m) ** 2
    values = {
        "p_block": p[k], "ln_p_block": log(p[k]), "accepted": accepted, "Lq": queue, "L": system, "throughput": through,
        "W": system / through, "Wq": queue / through, "rho": through / m / c, "p_wait": sum(seen[c:]),
        "var_Lq": var_queue, "var_L": var_system, "var_Wq": square - wait**2,
    }
    for n in sorted({0, 1, c // 2, c, (c + k) // 2, k}):
        values[f"ln_p_{n}"] = log(p[n])
    for t in times:
        tail = stages_tail(seen, c, c * m, mpf(t))
        values[f"P(Wq>{t!r})"] = tail
        values[f"P(Wq<={t!r})"] = 1 - tail
        if k <= 300:
            # Service after the wait: the integral of mu e^(-mu s) P(Wq > t - s).
            rest = quad(lambda s: m * exp(-m * s) * stages_tail(seen, c, c * m, mpf(t) - s), [0, mpf(t) / 2, mpf(t)])
            values[f"P(W>{t!r})"] = exp(-m * mpf(t)) + rest
    emit("mmck", {"lambda": lam, "mu": mu, "servers": c, "capacity": k}, values, hard)


def finite(lam, mu, c, n, k, hard=False, times=()):
    l, m = mpf(lam), mpf(mu)
    p = chain(lambda i: (n - i) * l / (min(i + 1, c) * m), k)
    system, var_system = moments(p)
    queue, var_queue = moments(p, lambda i: max(0, i - c))
    busy = sum(min(i, c) * q for i, q in enumerate(p))
    away = n - system
    through = m * busy
    entering = [(n - i) * l * q / through for i, q in enumerate(p[: k if k < n else k])]
    values = {
        "p0": p[0], "p_full": p[k], "ln_p_full": log(p[k]), "call_congestion": (n - k) * p[k] / away, "L": system, "Lq": queue,
        "away": away, "busy": busy, "W": system / through, "Wq": queue / through, "p_wait": sum(entering[c:]),
        "var_L": var_system, "var_Lq": var_queue,
    }
    for t in times:
        tail = stages_tail(entering, c, c * m, mpf(t)) if k > c else mpf(0)
        values[f"P(Wq>{t!r})"] = tail
        values[f"P(Wq<={t!r})"] = 1 - tail
    emit("finite", {"lambda": lam, "mu": mu, "servers": c, "population": n, "capacity": k}, values, hard)


def loss_model(lam, mu, c, hard=False):
    l, m = mpf(lam), mpf(mu)
    p = chain(lambda i: l / ((i + 1) * m), c)
    mean, variance = moments(p)
    a, b = l / m, p[c]
    overflow = a * b
    values = {
        "blocking": b, "ln_blocking": log(b), "L": mean, "idle": c - mean, "var_L": variance,
        "peakedness": 1 - overflow + a / (c + 1 + overflow - a),
    }
    for n in sorted({0, 1, c // 2, c - 1, c}):
        values[f"ln_p_{n}"] = log(p[n])
    emit("mmcc", {"lambda": lam, "mu": mu, "servers": c}, values, hard)


def infinite(lam, mu, counts, hard=False):
    a = mpf(lam) / mpf(mu)
    values = {}
    for n in counts:
        term, below = exp(-a), mpf(0)
        for k in range(n + 1):
            below += term
            if k < n:
                term *= a / (k + 1)
        values[f"ln_p_{n}"] = log(term)
        values[f"P(N<={n})"] = below
        tail, k = mpf(0), n
        while k < a or term > tail * mpf(10) ** -50:
            k += 1
            term *= a / k
            tail += term
        values[f"P(N>{n})"] = tail
    emit("mminf", {"lambda": lam, "mu": mu}, values, hard)


print("#", " ".join(__doc__.splitlines()[2].split()), flush=True)
for c, a in ((2.5, 2.0), (17.5, 12.9225), (0.3, 0.2), (0.75, 6.0), (10.25, 8.0), (59.5, 40.0), (59.999, 75.0), (60.25, 55.0), (60.5, 60.5),
             (333.3, 300.0), (1000.5, 1010.0), (1.5, 3.999), (1.5, 4.001)):
    loss_real(c, a)
# At the borders of the methods: sixty servers, and five standard deviations.
for c, a in ((60.0, 25.3), (60.0, 27.0), (60.0, 106.9), (60.0, 107.1), (61.5, 109.0), (100.0, 57.9), (100.0, 58.4), (100.0, 157.5),
             (100.0, 158.5), (1e4, 9508.0), (1e4, 9509.0), (1e4, 10507.5), (1e4, 10509.0), (1e6, 995008.0), (1e6, 995009.0),
             (1e6, 999999.9999999999), (1e6, 1000000.0000000001), (0.3, 1e-9), (25.5, 1e-3)):
    loss_real(c, a, True)
for c, b in ((1, 0.01), (17, 0.01), (17, 0.5), (100, 0.01), (100, 0.99), (500, 1e-4)):
    load_for(c, b)
for c, b in ((3, 1e-30), (3, 0.999999), (3000, 1e-12), (100, 1e-100)):
    load_for(c, b, True)

erlang_a(48.0, 1.0, 50, 0.5, times=(0.01, 0.1, 0.5))
erlang_a(10.0, 1.0, 8, 1.0, times=(0.1, 1.0))
erlang_a(1.0, 1.0, 1, 1.0, times=(1.0,))
erlang_a(3.3333333333333335, 0.3333333333333333, 14, 0.2, times=(0.3333333333333333,))
erlang_a(200.0, 20.0, 12, 12.0, times=(0.005, 0.05))
erlang_a(0.2, 1.0, 3, 0.1, times=(0.5, 5.0))
erlang_a(105.0, 1.0, 100, 0.05, times=(0.05, 2.0))
erlang_a(1000.0, 1.0, 900, 0.01, True, times=(0.1, 9.0, 12.0))
erlang_a(1000.0, 1.0, 10, 100.0, True, times=(0.001, 0.02))
erlang_a(10.0, 1.0, 9, 1e-4, True, times=(1.0, 500.0))
erlang_a(1000.0, 1.0, 1000, 0.01, True, times=(0.01, 0.3))
erlang_a(5.0, 1.0, 10, 1e-9, True, times=(0.1,))
erlang_a(2e4, 1.0, 20100, 0.5, True, times=(0.001, 0.02))
erlang_a(2e4, 1.0, 22000, 0.001, True, times=(0.001,))
erlang_a(1e-9, 1.0, 3, 0.5, True)
erlang_a(50.0, 1.0, 5, 0.001, True, times=(10.0, 2000.0, 2400.0))

mmck(1.0, 0.16666666666666666, 3, 7, times=(1.0, 6.0, 30.0))
mmck(0.9, 0.75, 1, 10, times=(0.1, 3.0))
mmck(1.0, 1.0, 1, 10, times=(0.5, 8.0))
mmck(8.0, 4.0, 5, 12, times=(0.05, 1.0))
mmck(50.0, 10.0, 4, 6, times=(0.01, 0.2))
mmck(95.0, 1.0, 100, 150, times=(0.01, 0.3))
mmck(3.0, 1.0, 3, 3)
mmck(100.0, 1.0, 3, 9, times=(0.5, 2.0))
mmck(0.999999999999, 1.0, 1, 20000, True, times=(10.0, 9000.0, 20100.0))
mmck(1.0, 1.0, 1, 20000, True, times=(10.0, 9000.0, 19900.0))
mmck(1.0000000000009095, 1.0, 1, 20000, True)
mmck(0.99, 1.0, 1, 20000, True, times=(100.0, 1500.0))
mmck(1.01, 1.0, 1, 20000, True, times=(19000.0, 20500.0))
mmck(2.0, 1.0, 1, 5000, True, times=(4900.0,))
mmck(1000.0, 1.0, 1000, 1200, True, times=(0.01, 0.15))
mmck(1e-9, 1.0, 2, 50, True)
mmck(1e9, 1.0, 4, 50, True)

finite(8.0, 2.0, 5, 12, 12, times=(0.1, 1.0))
finite(0.25, 4.0, 1, 2, 2, times=(0.1,))
finite(0.2, 1.0, 20, 100, 100, times=(0.01, 0.2))
finite(0.2, 1.0, 3, 20, 8, times=(0.1, 1.5))
finite(0.5, 0.7, 2, 3, 2)
finite(0.1, 1.0, 5, 20, 5)
finite(0.05, 1.0, 10, 200, 10)
finite(3.0, 1.0, 7, 5, 5)
finite(0.001, 1.0, 50, 1000, 1000, True, times=(0.001, 0.1))
finite(1.0, 1.0, 10, 5000, 5000, True, times=(498.0, 499.5))
finite(1e-6, 1.0, 4, 3000, 3000, True)
finite(1e5, 1.0, 4, 300, 300, True)
finite(0.01, 1.0, 100, 10000, 150, True, times=(0.01, 0.3))

for lam, mu, c in ((9.6516, 1.0, 17), (0.5, 1.0, 1), (100.0, 1.0, 100), (95.0, 1.0, 100), (30.0, 0.25, 100), (3.0, 1.0, 2), (1000.0, 1.0, 400)):
    loss_model(lam, mu, c)
for lam, mu, c in ((1e-3, 1.0, 100), (1e6, 1.0, 5), (1e4, 1.0, 1000), (5000.0, 1.0, 10000), (10000.0, 1.0, 10000), (10700.0, 1.0, 10000)):
    loss_model(lam, mu, c, True)

infinite(120.0, 2.0, (0, 40, 60, 85, 120))
infinite(0.3, 1.0, (0, 1, 5))
infinite(1e5, 1.0, (98_000, 99_999, 100_000, 101_700), True)
