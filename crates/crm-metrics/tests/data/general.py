"""Writes general.txt: values of the models beyond M/M/c at 80 digits or more, by formulas as plain as they come.

    python3 general.py > general.txt          (needs mpmath; takes some minutes)

The form is that of generate.py beside it: parameters are IEEE doubles taken at their exact binary value, lines
`quantity value` follow; no method is shared with the crate.
"""

from mpmath import mp, mpf, mpc, exp, expm1, log, factorial, nstr, sqrt, findroot, quad, pi, gammainc, erfc

mp.dps = 80


def emit(model, parameters, values, hard):
    cells = " ".join(f"{k}={v!r}" for k, v in parameters.items())
    print(f"= {model} {cells} {'hard' if hard else 'plain'}", flush=True)
    for quantity, value in values.items():
        # What underflows f64 is told by its logarithm.
        if quantity.startswith("ln_") or value == 0 or mpf("1e-300") < abs(value) < mpf("1e300"):
            print(quantity, nstr(value, 20))


def md1_cdf(rho, n):
    """The alternating series, at as many digits as it loses."""
    with mp.workdps(90 + int(2 * n)):
        total = sum((rho * (k - n)) ** k / factorial(k) * exp(-rho * (k - n)) if k > 0 else exp(rho * n)
                    for k in range(int(mp.floor(n)) + 1))
        return (1 - rho) * total


def md1(lam, d, times, ps, hard=False):
    l, s = mpf(lam), mpf(d)
    rho = l * s
    wait = rho * s / (2 * (1 - rho))
    values = {"rho": rho, "Wq": wait, "L": l * (wait + s), "var_Wq": wait**2 + rho * s**2 / (3 * (1 - rho))}
    for t in times:
        late = 1 - md1_cdf(rho, mpf(t) / s)
        values[f"P(Wq<={t!r})"] = 1 - late
        if late > mpf("1e-60"):
            values[f"P(Wq>{t!r})"] = late
            values[f"ln_P(Wq>{t!r})"] = log(late)
    for n in (0, 1, 2, 5, 8, 9, 12, 30):
        below = md1_cdf(rho, mpf(n - 1)) if n else mpf(0)
        p = md1_cdf(rho, mpf(n)) - below
        if p > mpf("1e-60"):
            values[f"ln_p_{n}"] = log(p)
    for p in ps:
        if mpf(p) <= 1 - rho:
            values[f"Wq_p{p}"] = mpf(0)
            continue
        low, high = mpf(0), mpf(1)
        while md1_cdf(rho, high) < mpf(p):
            low, high = high, 2 * high
        for _ in range(80):
            middle = (low + high) / 2
            low, high = (middle, high) if md1_cdf(rho, middle) < mpf(p) else (low, middle)
        values[f"Wq_p{p}"] = s * low
    emit("md1", {"lambda": lam, "service_time": d}, values, hard)


def all_md1():
    ps = (0.3, 0.5, 0.9, 0.99, 0.99999)
    for lam, d in ((0.2, 1.0), (0.45, 1.0), (0.5, 1.0), (0.74, 1.0), (0.76, 1.0), (0.9, 1.0), (0.95, 1.0), (0.3, 3.0)):
        times = [d * n for n in (0.0, 0.3, 1.0, 2.5, 5.0, 7.999, 8.0, 8.001, 12.3, 30.0, 60.0)]
        md1(lam, d, times, ps)
    md1(0.99, 1.0, (0.5, 7.5, 8.5, 200.0), (0.02, 0.5))
    md1(1e-3, 1.0, (0.5, 1.0, 3.0, 7.9, 8.1, 15.0), (0.9995, 0.9999999), True)
    md1(1e-10, 1.0, (0.5, 1.0, 2.5), (), True)
    md1(0.999999999, 1.0, (0.0, 0.5, 7.9, 8.0, 50.0, 300.0), (1e-8, 1.9e-8), True)
    md1(0.9999999999999, 1.0, (0.5, 7.9, 8.0, 50.0), (), True)


def gm1(model, parameters, mean, mu, transform, hard=False):
    m, u = mpf(mean), mpf(mu)
    with mp.workdps(400):
        low, high = mpf(0), 1 - mpf("1e-300")
        # sigma - A(mu (1 - sigma)) is negative below the root and positive between it and one.
        y_low, y_high = mpf("1e-120"), mpf(1)
        for _ in range(1500):
            y = sqrt(y_low * y_high) if y_high > 2 * y_low else (y_low + y_high) / 2
            if 1 - y > transform(u * y):
                y_low = y
            else:
                y_high = y
        y = (y_low + y_high) / 2
        sigma = transform(u * y) if y > 0.5 else 1 - y
        for _ in range(400 if y > 0.5 else 0):
            sigma = transform(u * (1 - sigma))
        y = 1 - sigma
        values = {"rho": 1 / (m * u), "sigma": sigma, "Wq": sigma / (u * y), "W": 1 / (u * y), "Lq": sigma / (u * y * m),
                  "L": 1 / (u * y * m), "var_Wq": sigma * (2 - sigma) / (u * y) ** 2, "idle": 1 - 1 / (m * u)}
        for t in (0.1 / mu, 3 / mu):
            values[f"P(Wq>{t!r})"] = sigma * exp(-u * y * mpf(t))
            values[f"P(Wq<={t!r})"] = 1 - sigma * exp(-u * y * mpf(t))
            values[f"P(W<={t!r})"] = 1 - exp(-u * y * mpf(t))
        emit(model, {**parameters, "mu": mu}, values, hard)


def all_gm1():
    for m, mu, hard in ((1.25, 1.0, False), (2.0, 1.0, False), (20.0, 1.0, False), (400.0, 1.0, True), (1.0 + 1e-9, 1.0, True),
                        (1.0 + 1e-13, 1.0, True), (1.01e-200, 1e200, True)):
        gm1("gm1_deterministic", {"m": m}, m, mu, lambda s: exp(-s * mpf(m)), hard)
        for k in (1, 2, 7, 1000):
            gm1("gm1_erlang", {"k": k, "m": m}, m, mu, lambda s: (1 + s * mpf(m) / k) ** (-k), hard)
        a, b = mpf(0.25 * m), mpf(1.75 * m)
        gm1("gm1_uniform", {"a": 0.25 * m, "b": 1.75 * m}, (a + b) / 2, mu, lambda s: (exp(-s * a) - exp(-s * b)) / (s * (b - a)), hard)
        b2 = mpf(2 * m)
        gm1("gm1_uniform", {"a": 0.0, "b": 2 * m}, b2 / 2, mu, lambda s: -expm1(-s * b2) / (s * b2), hard)
    for p, a, b, mu, hard in ((0.9, 0.5, 8.0, 1.0, False), (0.5, 1.0, 2.0, 1.0, False), (0.999, 0.01, 2000.0, 1.0, True),
                              (0.5, 0.5, 1.5 + 1e-9, 1.0, True), (0.25, 2.0, 4.0, 1e6, True), (0.625, 1e-6, 1e20, 1.0, True)):
        q = 1 - mpf(p)
        gm1("gm1_hyper2", {"p": p, "a": a, "b": b}, mpf(p) * mpf(a) + q * mpf(b), mu,
            lambda s: mpf(p) / (1 + s * mpf(a)) + q / (1 + s * mpf(b)), hard)


def mdc(lam, d, c, hard=False):
    """Spitzer's sums, term by term, as long as they have any digit to add."""
    l, s = mpf(lam), mpf(d)
    a = l * s
    none = mean = square = mpf(0)
    with mp.workdps(40):
        i = 0
        while True:
            i += 1
            m, k = i * a, i * c
            p = exp(k * log(m) - m - mp.loggamma(k + 1))
            tail = first = second = mpf(0)
            j = 0
            while p > mpf("1e-33") * (tail + mpf(10) ** -400000):
                tail += p
                first += j * p
                second += mpf(j) * (j - 1) * p
                j += 1
                p *= m / (k + j)
            none += tail / i
            mean += first / i
            square += second / i
            if second / i <= mpf("1e-26") * square:
                break
        values = {"p_wait": -expm1(-none), "ln_p_wait": log(-expm1(-none)), "Lq": mean, "Wq": mean / l, "var_Wq": square / l**2,
                  "var_Lq": mean + square, "p_nowait": exp(-none)}
    emit("mdc", {"lambda": lam, "service_time": d, "servers": c}, values, hard)


def mdc_by_roots(lam, d, c, hard=False):
    """The textbook's mean by the roots of z^c = e^(a (z - 1)) in the unit circle, near saturation."""
    l, s = mpf(lam), mpf(d)
    a = l * s
    total = mpc(0)
    log_none = mpc(0)
    for k in range(1, c):
        turn = exp(2j * pi * k / c)
        z = mpc(0)
        for _ in range(300):
            next_z = turn * exp(a * (z - 1) / c)
            if abs(next_z - z) < mpf("1e-60"):
                break
            z = next_z
        for _ in range(9):
            f = z - turn * exp(a * (z - 1) / c)
            z -= f / (1 - turn * exp(a * (z - 1) / c) * a / c)
        total += 1 / (1 - z)
        log_none += log(1 - z)
    mean = a / (2 * (c - a)) - (c - 1 + a) / 2 + total.real
    # G_X(0) e^-a ... : P(no wait) = (c - a) / prod(1 - z_k), the generating function of the number present, summed below c.
    none = (c - a) / exp(log_none.real)
    emit("mdc", {"lambda": lam, "service_time": d, "servers": c}, {"Lq": mean, "Wq": mean / l, "p_nowait": none}, hard)


def all_mdc():
    for lam, d, c in ((0.5, 1.0, 1), (0.9, 1.0, 1), (1.8, 1.0, 2), (9.0, 1.0, 10), (2.0, 0.25, 1), (1.0, 1.0, 3), (85.0, 1.0, 100),
                      (30.0, 0.1, 5)):
        mdc(lam, d, c)
    for lam, d, c in ((1e-6, 1.0, 1), (1e-3, 1.0, 4), (20.0, 1.0, 100), (900.0, 1.0, 1000), (700000.0, 1.0, 1000000)):
        mdc(lam, d, c, True)
    for lam, d, c in ((1.999999999, 1.0, 2), (9.9999999999, 1.0, 10), (0.999999999999, 1.0, 1), (99.0, 1.0, 100), (99.999999, 1.0, 100),
                      (299.0, 1.0, 300)):
        mdc_by_roots(lam, d, c, True)


def erlang_c(c, a):
    total = term = mpf(1)
    for k in range(c, 0, -1):
        term *= k / a
        total += term
    return c / (c + (c - a) * (total - 1))


def numbered(name, values):
    return {f"{name}_{k}": value for k, value in enumerate(values)}


def priority_mmc(rates, mu, c, hard=False):
    with mp.workdps(700 if min(rates) < 1e-60 else 120):
        u = mpf(mu)
        sums = [mpf(0)]
        for rate in rates:
            sums.append(sums[-1] + mpf(rate))
        waits = erlang_c(c, sums[-1] / u)
        polite = [waits / (c * u) / ((1 - x / (c * u)) * (1 - y / (c * u))) for x, y in zip(sums, sums[1:])]
        queues = [erlang_c(c, x / u) * x / (c * u - x) if x else mpf(0) for x in sums]
        strict = [(y - x) / mpf(rate) for x, y, rate in zip(queues, queues[1:], rates)]
        emit("priority_mmc", {"mu": mu, "servers": c, **numbered("lambda", rates)},
             {**numbered("polite", polite), **numbered("strict", strict)}, hard)


def priority_mg1(classes, hard=False):
    l, s, cs2 = zip(*[map(mpf, x) for x in classes])
    n = len(classes)
    second = [s[i] ** 2 * (1 + cs2[i]) for i in range(n)]
    sigma = [sum(l[i] * s[i] for i in range(k)) for k in range(n + 1)]
    work = [sum(l[i] * second[i] for i in range(k)) / 2 for k in range(n + 1)]
    polite = [work[n] / ((1 - sigma[k]) * (1 - sigma[k + 1])) for k in range(n)]
    strict = [s[k] / (1 - sigma[k]) + work[k + 1] / ((1 - sigma[k]) * (1 - sigma[k + 1])) for k in range(n)]
    given = {f"{name}_{k}": x[i] for k, x in enumerate(classes) for i, name in enumerate(("lambda", "mean", "cs2"))}
    emit("priority_mg1", given, {**numbered("polite", polite), **numbered("strict", strict)}, hard)


def all_priorities():
    for rates, mu, c in (([0.2, 0.3, 0.3], 1.0, 1), ([1.0, 2.0, 1.5], 1.0, 6), ([1.0, 0.01], 1.0, 2), ([10.0, 40.0, 1.0, 40.0], 1.0, 100),
                         ([0.3, 0.3, 0.3, 0.3], 0.25, 5)):
        priority_mmc(rates, mu, c)
    for rates, mu, c in (([1.0, 1e-9, 0.9999], 1.0, 2), ([0.5, 1e-300, 0.4999999999], 1.0, 1), ([1e-9, 99.0, 0.9999, 1e-6], 1.0, 100),
                         ([0.1, 0.2, 0.7 - 1e-12], 1.0, 1), ([9000.0, 1.0, 998.0], 1.0, 10000), ([1e-5, 1e-5, 5.0], 3.0, 40)):
        priority_mmc(rates, mu, c, True)
    priority_mg1([(0.1, 1.0, 1.0), (0.2, 1.5, 1.0), (0.1, 2.0, 0.0)])
    priority_mg1([(0.5, 1.0, 4.0), (0.1, 2.0, 0.25), (0.01, 20.0, 1.0), (0.05, 1.0, 30.0)])
    priority_mg1([(0.1, 1.0, 1.0), (0.2, 1.0, 1.0), (0.7 - 1e-12, 1.0, 0.0)], True)
    priority_mg1([(1e-9, 1e8, 1e6), (1e9, 1e-10, 0.0), (1e-300, 1e200, 1e90)], True)


def upper(x):
    return erfc(x / sqrt(mpf(2))) / 2


def ggc(lam, mu, m, ca2, cs2, hard=False):
    l, u, a2, s2 = map(mpf, (lam, mu, ca2, cs2))
    rho = l / (m * u)
    waits = erlang_c(m, l / u)
    random = waits / (m * u - l)
    both = (a2 + s2) / 2
    values = {"allen_cunneen": random * both, "sakasegawa": both * rho ** (sqrt(mpf(2 * (m + 1))) - 1) / (m * u - l)}
    g = min(mpf("0.24"), (1 - rho) * (m - 1) * (sqrt(mpf(4 + 5 * m)) - 2) / (16 * m * rho))
    f1, f2 = 1 + g, 1 - 4 * g
    f3 = f2 * exp(-2 * (1 - rho) / (3 * rho))
    f4 = min(mpf(1), (f1 + f3) / 2)
    psi = mpf(1) if both >= 1 else f4 ** (2 * (1 - both))
    if a2 >= s2:
        phi = 4 * (a2 - s2) / (4 * a2 - 3 * s2) * f1 + s2 / (4 * a2 - 3 * s2) * psi if a2 else mpf(1)
    else:
        phi = (s2 - a2) / (2 * a2 + 2 * s2) * f3 + (s2 + 3 * a2) / (2 * a2 + 2 * s2) * psi
    values["whitt"] = phi * both * random
    if a2 <= 1 and both > 0:
        values["kimura"] = 2 * both * random / ((1 - a2) * 2 / f3 + (1 - s2) * 2 / f1 + 2 * (a2 + s2 - 1))
    if both > 0:
        z = (a2 + s2) / (1 + s2)
        gamma = (m - m * rho - mpf("0.5")) / sqrt(m * rho * z)
        slack = (1 - rho) * sqrt(mpf(m))
        p4 = min(mpf(1), upper(slack / z) / upper(slack) * waits)
        p5 = min(mpf(1), upper(2 * slack / (1 + a2)) / upper(slack) * waits)
        p6 = upper(gamma)
        p1 = rho**2 * p4 + (1 - rho**2) * p5
        p2 = a2 * p1 + (1 - a2) * p6
        p3 = 2 * (1 - a2) * (gamma - mpf("0.5")) * p2 + (1 - 2 * (1 - a2) * (gamma - mpf("0.5"))) * p1
        values["p_wait"] = min(mpf(1), p1 if m <= 6 or gamma <= 0.5 or a2 >= 1 else p2 if gamma >= 1 else p3)
    if m == 1:
        values["kingman_bound"] = l * (a2 / l**2 + s2 / u**2) / (2 * (1 - rho))
        values["kingman"] = both * random
        values["marchal"] = (1 + s2) / (1 + rho**2 * s2) * (a2 + rho**2 * s2) / 2 * random
        if both > 0:
            values["klb"] = both * random * (exp(-2 * (1 - rho) * (1 - a2) ** 2 / (3 * rho * (a2 + s2))) if a2 <= 1
                                             else exp(-(1 - rho) * (a2 - 1) / (a2 + 4 * s2)))
    emit("ggc", {"lambda": lam, "mu": mu, "servers": m, "ca2": ca2, "cs2": cs2}, values, hard)


def all_ggc():
    for lam, m in ((0.8, 1), (0.05, 1), (0.999999999, 1), (3.0, 4), (9.0, 12), (18.0, 20), (95.0, 100), (80.0, 100), (1.0, 30)):
        for ca2, cs2 in ((1.0, 1.0), (0.5, 0.25), (0.0, 0.0), (4.0, 1.5), (1.2, 1.3), (0.0, 2.0), (0.3, 0.9), (1.0, 0.0), (0.7, 1e9)):
            ggc(lam, 1.0, m, ca2, cs2)


if __name__ == "__main__":
    print("#", " ".join(__doc__.splitlines()[2].split()), flush=True)
    all_md1()
    all_gm1()
    all_mdc()
    all_priorities()
    all_ggc()
