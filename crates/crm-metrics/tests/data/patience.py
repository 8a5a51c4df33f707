"""Writes patience.txt: response times of Erlang A where patience is very long or very short, at 25 digits and more.

    python3 patience.py > patience.txt          (needs mpmath; takes a minute)

Form and conventions are those of generate.py: parameters at their exact binary value. Where the line has as many places as here, the sums of
completions.py do not end; the density of the wait offered to the infinitely patient is integrated instead, with panels on every scale of the problem.
"""

from mpmath import mp, mpf, exp, expm1, log, nstr, quad, sqrt

mp.dps = 60


def blocked(c, a):
    """1 / B, Erlang's."""
    total, term = mpf(0), mpf(1)
    for k in range(c, -1, -1):
        total += term
        term *= mpf(k) / a
    return total


def case(lam, mu, c, theta, times):
    l, m, h = mpf(lam), mpf(mu), mpf(theta)
    x, y = l / h, c * m / h
    term = above = mpf(1)
    k = 1
    while term > above * mpf(10) ** -50 or k < x - y:
        term *= x / (y + k)
        above += term
        k += 1
    total = blocked(c, l / m) - 1 + above
    waits = above / total
    gives_up = h * (y / above - (y - x)) * waits / l
    served = 1 - gives_up
    density = lambda v: c * m / above * exp(-(c * m - l) * v - l * (v + expm1(-h * v) / h))
    print(f"= erlang_a_patience lambda={lam!r} mu={mu!r} servers={c} theta={theta!r} hard")
    for at in times:
        t = mpf(at)
        cuts = {t * j / 24 for j in range(1, 24)}
        for scale in [1 / h, 1 / m, 1 / (c * m), 1 / sqrt(c * m * h), t]:
            for k in ["0.01", "0.1", "0.3", 1, 2, 4, 8, 16, 30, 60]:
                if scale * mpf(k) < t:
                    cuts |= {scale * mpf(k), t - scale * mpf(k)}
        grid = [mpf(0)]
        for cut in sorted(cuts):
            if cut - grid[-1] > t * mpf(10) ** -14 and t - cut > t * mpf(10) ** -14:
                grid.append(cut)
        grid.append(t)
        mp.dps = 30
        over = lambda f: quad(lambda v: density(v) * f(v), grid, maxdegree=5)
        in_service = (1 - waits) * exp(-m * t) + waits * over(lambda v: exp(-h * v - m * (t - v)))
        begun = 1 - waits + waits * over(lambda v: exp(-h * v))
        tail = waits * exp(-h * t) * (1 - over(lambda v: mpf(1))) + in_service
        mp.dps = 60
        for name, value in {f"P(W>{at!r})": tail, f"P(W<={at!r})": 1 - tail, f"P(W_served<={at!r})": (begun - in_service) / served}.items():
            if value > mpf("1e-9"):
                print(name, nstr(value, 20), flush=True)


case(1.0, 1.0, 1, 1e-9, [1e3, 2e4, 1e5])
case(1.0, 1.0, 1, 1e-6, [3.0, 300.0, 2000.0])
case(2.0, 1.0, 2, 1e9, [1e-6, 0.1, 3.0])
case(11.0, 1.0, 10, 1e9, [7.404196728731814e-07, 0.5])
case(1.2, 1.0, 1, 1e-3, [150.0, 190.0, 250.0])
case(120.0, 1.0, 100, 0.01, [10.0, 18.0, 25.0])
case(12.0, 1.0, 10, 0.01, [15.0, 20.0, 60.0])
