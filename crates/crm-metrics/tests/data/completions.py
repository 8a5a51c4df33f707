"""Writes completions.txt: response times of Erlang A and finite sources and waits of M/D/c at 60 digits and more.

    python3 completions.py > completions.txt          (needs mpmath; takes some minutes)

Form and conventions are those of generate.py: parameters at their exact binary value, no method shared with the crate. Erlang A follows a
customer through the stages of the line by partial fractions; M/D/c takes the roots of its characteristic equation and expands the generating function
of the line into a power series, which Franx's formula turns into the distribution of the wait.
"""

from mpmath import mp, mpf, mpc, exp, log, nstr, factorial, findroot, pi, e as euler

mp.dps = 60


def emit(model, parameters, values, hard):
    cells = " ".join(f"{k}={v!r}" for k, v in parameters.items())
    print(f"= {model} {cells} {'hard' if hard else 'plain'}")
    for quantity, value in values.items():
        if quantity.startswith("ln_") or value == 0 or mpf("1e-300") < abs(value) < mpf("1e300"):
            print(quantity, nstr(value, 20), flush=True)


def erlang_a_response(lam, mu, c, theta, times, hard=False, dps=400):
    mp.dps = dps
    l, m, th = mpf(lam), mpf(mu), mpf(theta)
    weights = [mpf(1)]
    top = mpf(1)
    while weights[-1] > top * mpf(10) ** -60 or len(weights) <= c:
        n = len(weights) - 1
        weights.append(weights[-1] * l / (min(n + 1, c) * m + max(0, n + 1 - c) * th))
        top = max(top, weights[-1])
    total = sum(weights)
    p = [w / total for w in weights]
    lines = len(p) - c
    served = sum(p[:c])
    # In line as the i-th the tagged customer moves up at rate c mu + (i - 1) theta and gives up at rate theta.
    survive = mpf(1)
    reach = []
    for i in range(1, lines + 1):
        survive *= (c * m + (i - 1) * th) / (c * m + i * th)
        reach.append(survive)
        served += p[c + i - 1] * survive
    wait = mpf(0)
    square = mpf(0)
    mean = spread = mpf(0)
    for i in range(1, lines + 1):
        rate = c * m + i * th
        mean += 1 / rate
        spread += 1 / rate**2
        wait += p[c + i - 1] * reach[i - 1] * mean
        square += p[c + i - 1] * reach[i - 1] * (mean**2 + spread)
    wait, square = wait / served, square / served
    values = {"W": sum(n * q for n, q in enumerate(p)) / l, "W_served": wait + 1 / m, "var_Wq_served": square - wait**2}
    for t0 in times:
        t = mpf(t0)
        # P(sum of stages <= t) = 1 - sum over stages of e^(-r t) times the product of the others' r / (r - this one's), and with service as a further one.
        idle_done = sum(p[:c]) * (1 - exp(-m * t))
        begun = sum(p[:c])
        answered = idle_done
        in_line = mpf(0)
        rates = []
        factors = []
        for i in range(1, lines + 1):
            r = c * m + i * th
            own = mpf(1)
            for k, other in enumerate(rates):
                factors[k] *= r / (r - other)
                own *= other / (other - r)
            rates.append(r)
            factors.append(own)
            waiting = sum(f * exp(-q * t) for f, q in zip(factors, rates))
            both = sum(f * m / (m - q) * exp(-q * t) for f, q in zip(factors, rates))
            last = mpf(1)
            for q in rates:
                last *= q / (q - m)
            both += last * exp(-m * t)
            begun += p[c + i - 1] * reach[i - 1] * (1 - waiting)
            answered += p[c + i - 1] * reach[i - 1] * (1 - both)
        # All: who has not given up and not been served. P(W_q > t) with the tagged one's own patience taken out of the stages.
        still = mpf(0)
        rates, factors = [], []
        for i in range(1, lines + 1):
            r = c * m + (i - 1) * th
            own = mpf(1)
            for k, other in enumerate(rates):
                factors[k] *= r / (r - other)
                own *= other / (other - r)
            rates.append(r)
            factors.append(own)
            still += p[c + i - 1] * sum(f * exp(-q * t) for f, q in zip(factors, rates))
        in_line = exp(-th * t) * still
        in_service = begun - answered
        values[f"P(W_served>{t0!r})"] = 1 - answered / served
        values[f"P(W_served<={t0!r})"] = answered / served
        values[f"P(W>{t0!r})"] = in_line + in_service
        values[f"P(W<={t0!r})"] = 1 - in_line - in_service
    emit("erlang_a_response", {"lambda": lam, "mu": mu, "servers": c, "theta": theta}, values, hard)
    mp.dps = 60


def mdc_wait(lam, d, c, times, hard=False):
    deepest = max(int(mpf(t) / mpf(d)) for t in times) + 1
    n = deepest * c
    # The series loses as many digits as the least root to the n-th has zeros.
    mp.dps = 80 + int(0.7 * n)
    a = mpf(lam) * mpf(d)
    # The roots within the unit circle of z^c = e^(a (z - 1)), by z = e^(2 pi i k / c) e^(a (z - 1) / c).
    roots = []
    for k in range(1, c):
        turn = mp.expjpi(mpf(2) * k / c)
        z = turn * exp(-a / c) / 2
        for _ in range(60):
            z = turn * exp(a * (z - 1) / c)
        for _ in range(16):
            f = z - turn * exp(a * (z - 1) / c)
            z -= f / (1 - a / c * (z - f))
        roots.append(z)
    # (c - a) (z - 1) product of (z - z_k) / (1 - z_k), over z^c - e^(a (z - 1)).
    poly = [c - a]
    for root in [mpf(1)] + roots:
        scale = 1 if root == 1 else 1 / (1 - root)
        poly = [scale * ((poly[i - 1] if i > 0 else 0) - root * (poly[i] if i < len(poly) else 0)) for i in range(len(poly) + 1)]
    poly = [mp.re(x) for x in poly] + [mpf(0)] * n
    below = []
    term = exp(-a)
    for j in range(n):
        below.append((1 if j == c else 0) - term)
        term *= a / (j + 1)
    line = []
    for j in range(n):
        line.append((poly[j] - sum(below[i] * line[j - i] for i in range(1, j + 1))) / below[0])
    upto = []
    total = mpf(0)
    for q in line:
        total += q
        upto.append(total)
    values = {}
    for t0 in times:
        k = int(mpf(t0) / mpf(d)) + 1
        u = k * mpf(d) - mpf(t0)
        b = mpf(lam) * u
        term = exp(-b)
        cdf = mpf(0)
        for j in range(k * c):
            cdf += term * upto[k * c - 1 - j]
            term *= b / (j + 1)
        values[f"P(Wq<={t0!r})"] = cdf
        values[f"P(Wq>{t0!r})"] = 1 - cdf
        values[f"ln_P(Wq>{t0!r})"] = log(1 - cdf)
    emit("mdc_wait", {"lambda": lam, "service_time": d, "servers": c}, values, hard)
    mp.dps = 60


def finite_source_response(lam, mu, c, n, k, times, hard=False):
    l, m = mpf(lam), mpf(mu)
    weights = [mpf(1)]
    for i in range(k):
        weights.append(weights[-1] * (n - i) * l / (min(i + 1, c) * m))
    # What an accepted request finds.
    seen = [(n - i) * w for i, w in enumerate(weights[:k])]
    total = sum(seen)
    seen = [s / total for s in seen]
    wait = sum(s * max(0, i - c + 1) for i, s in enumerate(seen)) / (c * m)
    square = sum(s * max(0, i - c + 1) * (max(0, i - c + 1) + 1) for i, s in enumerate(seen)) / (c * m) ** 2
    values = {"var_Wq": square - wait**2}
    for t0 in times:
        t = mpf(t0)

        def tail(u):
            # Of j + 1 stages, at most j are over.
            term, below, late = exp(-c * m * u), mpf(0), mpf(0)
            for j in range(k - c):
                below += term
                term *= c * m * u / (j + 1)
                late += seen[c + j] * below
            return late

        values[f"P(W>{t0!r})"] = exp(-m * t) + mp.quad(lambda u: m * exp(-m * u) * tail(t - u), [0, t / 2, t])
    emit("finite_source_response", {"lambda": lam, "mu": mu, "servers": c, "population": n, "capacity": k}, values, hard)


print("#", " ".join(__doc__.splitlines()[2].split()), flush=True)
erlang_a_response(48.0, 1.0, 50, 0.5, (0.01, 0.5, 2.0, 9.0))
erlang_a_response(10.0, 1.0, 8, 1.25, (0.1, 1.0, 5.0))
erlang_a_response(1.0, 1.0, 1, 1.5, (0.001, 1.0, 20.0))
erlang_a_response(3.3333333333333335, 0.3333333333333333, 14, 0.2, (0.3333333333333333, 4.0))
erlang_a_response(200.0, 20.0, 12, 12.0, (0.005, 0.05, 1.0))
erlang_a_response(0.2, 1.0, 3, 0.1, (1e-9, 0.5, 40.0))
erlang_a_response(40.0, 1.0, 20, 0.25, (0.05, 1.0, 2.5, 3.0, 6.0), True)
erlang_a_response(30.0, 1.0, 5, 0.5, (0.1, 2.0, 3.5, 5.0), True)
erlang_a_response(20.0, 0.125, 40, 4.0, (0.05, 1.0, 30.0), True)
mdc_wait(0.5, 1.0, 1, (0.0, 0.5, 1.0, 7.25))
mdc_wait(1.6, 1.0, 2, (0.0, 0.001, 0.75, 1.0, 3.5, 20.0))
mdc_wait(3.0, 0.75, 3, (0.25, 0.75, 2.0, 10.0))
mdc_wait(4.0, 1.0, 5, (0.0, 0.1, 0.5, 0.999, 1.0, 2.5, 8.0))
mdc_wait(0.05, 1.0, 4, (0.0, 0.3, 1.5, 2.0))
mdc_wait(9.0, 1.0, 10, (0.0, 0.2, 0.9999, 1.5, 4.0, 12.0))
mdc_wait(9.99, 1.0, 10, (0.0, 0.1, 1.0, 6.5, 25.0))
mdc_wait(27.0, 1.0, 30, (0.0, 0.05, 0.7, 1.3, 3.0))
mdc_wait(99.0, 1.0, 100, (0.0, 0.1, 0.5, 1.0, 2.5), True)
mdc_wait(50.0, 1.0, 100, (0.0, 0.1, 0.5, 0.6, 0.8, 1.5), True)
mdc_wait(6.0, 1.0, 20, (0.0, 0.25, 0.9, 1.7, 3.0), True)
mdc_wait(4.999995, 1.0, 5, (0.0, 0.3, 1.0, 9.5), True)
mdc_wait(0.999999, 1.0, 1, (0.0, 0.5, 3.0, 30.25), True)
finite_source_response(1.0, 2.0, 1, 4, 4, (0.1, 1.0, 6.0))
finite_source_response(0.05, 1.0, 1, 30, 30, (0.01, 5.0, 40.0))
finite_source_response(0.1, 1.0, 3, 40, 40, (0.2, 3.0, 12.0))
finite_source_response(0.1, 1.0, 3, 40, 12, (0.2, 3.0, 12.0))
finite_source_response(5.0, 1.0, 20, 60, 60, (0.05, 1.0, 4.0))
finite_source_response(0.001, 0.5, 2, 10, 10, (1.0, 10.0))
