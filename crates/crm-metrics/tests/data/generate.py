"""Writes reference.txt: values of the queueing models at 80 digits, by formulas as plain as they come.

    python3 generate.py > reference.txt          (needs mpmath; takes some minutes)

Parameters are IEEE doubles taken at their exact binary value, because near saturation the double and its decimal
spelling are different loads. Sums run over all states, one by one; no method is shared with the crate.
A line `= model parameters kind` opens a case, lines `quantity value` follow; `hard` marks extreme parameters.
"""

from mpmath import mp, mpf, exp, expm1, log, factorial, nstr, sqrt

mp.dps = 80
QUANTILES = (0.5, 0.9, 0.95, 0.99, 0.999)


def emit(model, parameters, values, hard):
    cells = " ".join(f"{k}={v!r}" for k, v in parameters.items())
    print(f"= {model} {cells} {'hard' if hard else 'plain'}")
    for quantity, value in values.items():
        # What underflows f64 is told by its logarithm.
        if quantity.startswith("ln_") or value == 0 or mpf("1e-300") < abs(value) < mpf("1e300"):
            print(quantity, nstr(value, 20))


def erlang_b(c, a):
    total = term = mpf(1)  # sum over k of a^k / k!, scaled so that the last term is one
    for k in range(c, 0, -1):
        term *= k / a
        total += term
    return 1 / total


def solve(tail, p):
    """The t with tail(t) = 1 - p, by bisection on a logarithmic scale and a polish."""
    low, high = mpf("1e-40"), mpf("1e40")
    for _ in range(220):
        middle = sqrt(low * high)
        low, high = (middle, high) if tail(middle) > 1 - p else (low, middle)
    for _ in range(120):
        middle = (low + high) / 2
        low, high = (middle, high) if tail(middle) > 1 - p else (low, middle)
    return low


def past_atom(p, waits, rate):
    return max(mpf(0), log(waits / (1 - p)) / rate) if waits > 0 else mpf(0)


def mm1(lam, mu, hard=False):
    mp.dps = 700 if lam < 1e-60 else 80
    l, m = mpf(lam), mpf(mu)
    rho, d = l / m, m - l
    values = {
        "rho": rho, "L": rho / (1 - rho), "Lq": rho**2 / (1 - rho), "W": 1 / d, "Wq": rho / d,
        "var_L": rho / (1 - rho) ** 2, "var_Lq": rho**2 * (1 + rho - rho**2) / (1 - rho) ** 2,
        "var_W": 1 / d**2, "var_Wq": rho * (2 - rho) / d**2, "p0": 1 - rho,
    }
    for n in (1, 5, 1000):
        values[f"ln_p_{n}"] = log(1 - rho) + n * log(rho)
    for p in QUANTILES:
        values[f"W_p{p}"] = -log(1 - mpf(p)) / d
        values[f"Wq_p{p}"] = past_atom(mpf(p), rho, d)
    for factor in (1e-9, 0.3, 1.0, 20.0):
        t = mpf(factor / mu)
        values[f"P(W<={factor / mu!r})"] = 1 - exp(-d * t)
        values[f"P(W>{factor / mu!r})"] = exp(-d * t)
        values[f"P(Wq<={factor / mu!r})"] = 1 - rho * exp(-d * t)
        values[f"P(Wq>{factor / mu!r})"] = rho * exp(-d * t)
    emit("mm1", {"lambda": lam, "mu": mu}, values, hard)


def mmc(lam, mu, c, hard=False):
    mp.dps = 700 if lam < 1e-60 else 80
    l, m = mpf(lam), mpf(mu)
    a, d = l / m, c * m - l
    rho = a / c
    b = erlang_b(c, a)
    waits = b / (1 - rho * (1 - b))
    waiting = waits * l / d
    # By the definition of the variance, state by state: below c one by one, beyond c a geometric tail in closed form.
    empty = -log(sum_states(c, a, rho))
    pc = empty + c * log(a) - log(factorial(c))
    first = second = mpf(0)
    term = exp(empty)
    for k in range(1, c):
        term *= a / k
        first += k * term
        second += mpf(k) ** 2 * term
    top = exp(pc)
    s0, s1, s2 = 1 / (1 - rho), rho / (1 - rho) ** 2, rho * (1 + rho) / (1 - rho) ** 3
    first += top * (c * s0 + s1)
    second += top * (mpf(c) ** 2 * s0 + 2 * c * s1 + s2)
    values = {
        "rho": rho, "offered_load": a, "p_wait": waits, "ln_p_wait": log(waits), "ln_p0": empty,
        "Lq": waiting, "L": first, "Wq": waits / d, "W": 1 / m + waits / d,
        "var_Wq": waits * (2 - waits) / d**2, "var_W": 1 / m**2 + waits * (2 - waits) / d**2,
        "var_L": second - first**2, "var_Lq": top * s2 - (top * s1) ** 2,
    }
    for n in sorted({1, c // 2, max(0, int(a - 25 * sqrt(a))), c, c + 3, 2 * c + 100}):
        term = empty + min(n, c) * log(a) - log(factorial(min(n, c)))
        values[f"ln_p_{n}"] = term + max(0, n - c) * log(rho)
    assert abs(first - a - waiting) < mpf("1e-30") * first

    def tail(t):
        if d == m:
            return exp(-m * t) * (1 + waits * m * t)
        return (1 - waits) * exp(-m * t) + waits * (m * exp(-d * t) - d * exp(-m * t)) / (m - d)

    for p in QUANTILES:
        values[f"Wq_p{p}"] = past_atom(mpf(p), waits, d)
        values[f"W_p{p}"] = solve(tail, mpf(p))
    values["W_p1e-06"] = solve(tail, mpf(1e-06))
    for factor in (1e-9, 0.01, 0.3, 0.5, 1.0, 20.0):
        t = mpf(factor / mu)
        values[f"P(W<={factor / mu!r})"] = 1 - tail(t)
        values[f"P(W>{factor / mu!r})"] = tail(t)
        values[f"P(Wq<={factor / mu!r})"] = 1 - waits * exp(-d * t)
        values[f"P(Wq>{factor / mu!r})"] = waits * exp(-d * t)
    emit("mmc", {"lambda": lam, "mu": mu, "servers": c}, values, hard)


def sum_states(c, a, rho):
    total = term = mpf(1)
    for k in range(1, c):
        term *= a / k
        total += term
    return total + term * a / c / (1 - rho)


def loss(c, a, hard=False):
    mp.dps = 80
    b = erlang_b(c, mpf(a))
    emit("erlang_b", {"servers": c, "offered_load": a}, {"blocking": b, "ln_blocking": log(b)}, hard)
    if a < c:
        waits = b / (1 - mpf(a) / c * (1 - b))
        emit("erlang_c", {"servers": c, "offered_load": a}, {"p_wait": waits, "ln_p_wait": log(waits)}, hard)


def mg1(lam, name, parameters, moments, hard=False):
    l = mpf(lam)
    m1, m2, m3 = moments(*map(mpf, parameters))
    rho = l * m1
    wait = l * m2 / (2 * (1 - rho))
    var_wait = wait**2 + l * m3 / (3 * (1 - rho))
    var_response = var_wait + m2 - m1**2
    values = {
        "rho": rho, "Wq": wait, "W": wait + m1, "Lq": l * wait, "L": l * (wait + m1),
        "busy_period": m1 / (1 - rho), "var_Wq": var_wait, "var_W": var_response,
        "var_Lq": l * wait + l**2 * var_wait, "var_L": l * (wait + m1) + l**2 * var_response,
    }
    given = {"lambda": lam, "mean": float(m1), "cs2": float(m2 / m1**2 - 1), "third": float(m3)}
    emit(f"mg1_{name}", given, values, hard)


# The moments below are given to the crate as doubles, so they are taken as such here too.
def rounded(m1, cs2, m3):
    m1, cs2, m3 = mpf(float(m1)), mpf(float(cs2)), mpf(float(m3))
    return m1, (1 + cs2) * m1**2, m3


def erlang(k, s):
    return rounded(s, 1 / k, s**3 * (k + 1) * (k + 2) / k**2)


def hyper2(p, a, b):
    m1, m2, m3 = (p * f * a**n + (1 - p) * f * b**n for n, f in ((1, 1), (2, 2), (3, 6)))
    return rounded(m1, m2 / m1**2 - 1, m3)


def lognormal(mean, sigma):
    m = [exp(n * mean + n**2 * sigma**2 / 2) for n in (1, 2, 3)]
    return rounded(m[0], expm1(sigma**2), m[2])


def uniform(a, b):
    m = [(b ** (n + 1) - a ** (n + 1)) / ((n + 1) * (b - a)) for n in (1, 2, 3)]
    return rounded(m[0], m[1] / m[0] ** 2 - 1, m[2])


def pareto(least, shape):
    m = [shape * least**n / (shape - n) for n in (1, 2, 3)]
    return rounded(m[0], m[1] / m[0] ** 2 - 1, m[2])


print("#", " ".join(__doc__.splitlines()[2].split()), flush=True)
for lam, mu in ((0.2, 1.0), (0.5, 1.0), (0.9, 1.0), (0.99, 1.0), (75.0, 100.0), (0.25, 0.3333333333333333)):
    mm1(lam, mu)
for lam, mu in ((0.999, 1.0), (0.999999, 1.0), (0.999999999, 1.0), (0.999999999999, 1.0), (1000.0, 1000.001),
                (0.9999999999999999, 1.0), (1e-300, 1.0), (3e200, 4e200)):
    mm1(lam, mu, True)

for lam, mu, c in ((0.9, 0.5, 2), (9.0, 5.0, 4), (6.0, 3.0, 3), (5.0, 10.0, 2), (10.0, 12.0, 3), (0.75, 1.0, 1),
                   (15.0, 1.0, 20), (95.0, 1.0, 100), (99.0, 1.0, 100), (169.0, 1.0, 170), (169.0, 1.0, 171),
                   (240.0, 0.25, 1000), (990.0, 1.0, 1000), (1.0, 1.0, 2), (50.3, 1.7, 30)):
    mmc(lam, mu, c)
for lam, mu, c in ((1e-6, 1.0, 4), (1e-3, 1.0, 100), (1.999999999998, 1.0, 2), (0.999999999999, 1.0, 1),
                   (9999.0, 1.0, 10_000), (99_999.999, 1.0, 100_000), (700.0, 1.0, 1000), (1e-300, 1.0, 3),
                   (33.33333333333333, 0.3333333333333333, 101), (0.9999999999, 0.1, 10),
                   (500_000.0, 1.0, 1_000_000), (970_000.0, 1.0, 1_000_000), (999_000.0, 1.0, 1_000_000),
                   (999_999.0, 1.0, 1_000_000), (999_999.9999, 1.0, 1_000_000), (333_300.1, 0.3333333333333333, 1_000_000)):
    mmc(lam, mu, c, True)

for c, a in ((1, 0.5), (2, 0.7142857142857143), (10, 5.0), (17, 10.0), (17, 9.6516), (25, 16.1245), (50, 48.0),
             (100, 95.0), (100, 84.1), (100, 100.0), (170, 160.0), (171, 160.0), (171, 171.0), (171, 180.0), (500, 1000.0),
             (1000, 950.0), (1000, 1000.0)):
    loss(c, a)
for c, a in ((3, 1e-8), (10, 1e-30), (2, 1e-200), (1, 1e20), (100, 1e-3), (10_000, 10_000.0), (10_000, 20_000.0), (10_000, 1e9),
             (10_000, 9_900.0), (10, 1e6), (1_000_000, 990_000.0), (1_000_000, 999_000.0), (1_000_000, 1_000_000.0),
             (1_000_000, 1_001_000.0), (1_000_000, 2_000_000.0), (1_000_000, 965_000.0)):
    loss(c, a, True)

mg1(0.9, "deterministic", (1.0,), lambda s: rounded(s, mpf(0), s**3))
mg1(0.7, "exponential", (1.0,), lambda s: rounded(s, mpf(1), 6 * s**3))
mg1(0.7, "moments", (4.0, 1.0), erlang)
mg1(0.3333333333333333, "moments", (100.0, 2.0), erlang)
mg1(0.7, "moments", (0.9, 0.5, 5.5), hyper2)
mg1(0.6, "moments", (0.0, 0.5), lognormal)
mg1(0.5, "moments", (0.5, 2.5), uniform)
mg1(0.4, "moments", (1.0, 3.5), pareto)
mg1(0.999999999999, "deterministic", (1.0,), lambda s: rounded(s, mpf(0), s**3), True)
mg1(0.999999999999, "exponential", (1.0,), lambda s: rounded(s, mpf(1), 6 * s**3), True)
mg1(1e-12, "moments", (0.5, 2.5), uniform, True)
mg1(2.999999999, "moments", (4.0, 1 / 3), erlang, True)
