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


if __name__ == "__main__":
    all_md1()
