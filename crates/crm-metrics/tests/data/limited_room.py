"""Writes limited_room.txt: quantiles of waiting and response time in M/M/c/K with much room, at 60 digits.

    python3 limited_room.py > limited_room.txt            (needs mpmath; takes some minutes)

A line is lambda, mu, servers, capacity, the share, and the two times that this share of the accepted does not exceed. Parameters
are doubles at their exact binary value. A distribution is added up over the Poisson number of stages that end in time, term by
term, each times the chance that no more than so many were asked for; the quantile is found by secants on its logarithm.
"""

from mpmath import mp, mpf, exp, log, loggamma, nstr

mp.dps = 60


def poisson(i, mean):
    return exp(i * log(mean) - mean - loggamma(i + 1))


def add_up(mean, weight, low, high, ratio=mpf(1)):
    """The sum over low <= i < high of the Poisson probability of i times weight(i, ratio^i), from the largest term outwards.

    The terms rise and then fall.
    """

    def rises(i):
        return mean / (i + 1) * weight(i + 1, ratio ** (i + 1)) > weight(i, ratio**i)

    a, b = low, high - 1
    while a < b:
        middle = (a + b) // 2
        if rises(middle):
            a = middle + 1
        else:
            b = middle
    top, first, power = a, poisson(a, mean), ratio**a
    total = first * weight(a, power)
    for up in (True, False):
        i, share, at = top, first, power
        while True:
            if up:
                i, share, at = i + 1, share * mean / (i + 1), at * ratio
            else:
                i, share, at = i - 1, share * i / mean, at / ratio
            if not low <= i < high:
                break
            value = share * weight(i, at)
            total += value
            if value < total * mpf(10) ** -40:
                break
    return total


class Room:
    def __init__(self, arrival, service, servers, capacity):
        self.service, self.servers, self.room = mpf(service), servers, capacity - servers
        self.ratio = mpf(arrival) / (servers * self.service)
        load = mpf(arrival) / self.service
        free = add_up(load, lambda i, power: mpf(1), 0, servers) / poisson(servers, load)
        total = free + self.places(self.ratio, self.room + 1)
        accepted = total - self.ratio**self.room
        self.free, self.full = free / accepted, 1 / accepted

    @staticmethod
    def places(ratio, n):
        return mpf(n) if ratio == 1 else (ratio**n - 1) / (ratio - 1)

    def later(self, ratio, n, stages):
        """The sum over j < n of ratio^j times the chance of at most j of them in time: with i, all j from i on count."""
        if ratio == 1:
            return add_up(stages, lambda i, power: mpf(n - i), 0, n)
        last = ratio**n
        return add_up(stages, lambda i, power: (power - last) / (1 - ratio), 0, n, ratio)

    def earlier(self, ratio, n, stages):
        """The same for more than j of them in time: with i, all j below i and n count."""
        if ratio == 1:
            return add_up(stages, lambda i, power: mpf(min(i, n)), 1, n + int(4 * stages) + 1000)
        last = ratio**n
        high = n + int(4 * stages) + 1000
        return add_up(stages, lambda i, power: ((power if i < n else last) - 1) / (ratio - 1), 1, high, ratio)

    def wait_tail(self, t):
        return self.full * self.later(self.ratio, self.room, self.servers * self.service * t)

    def response_tail(self, t):
        service = self.service * t
        if self.servers == 1:
            # One more stage after those of the wait; without the term of the stage alone.
            stages = (self.later(self.ratio, self.room + 1, service) - exp(-service)) / self.ratio
            return self.free * exp(-service) + self.full * stages
        stretch = mpf(self.servers) / (self.servers - 1)
        served = self.earlier(self.ratio * stretch, self.room, (self.servers - 1) * service) * stretch
        return self.free * exp(-service) + self.wait_tail(t) + self.full * exp(-service) * served

    def quantile(self, tail, p, guess):
        aim = log(1 - mpf(p))
        a, b = guess, guess * (1 + mpf("1e-4"))
        fa, fb = log(tail(a)) - aim, log(tail(b)) - aim
        for _ in range(60):
            if fa == fb:
                return b
            step = fb * (b - a) / (fb - fa)
            step = max(min(step, b / 2), -b)
            a, fa, b = b, fb, b - step
            if abs(step) < b * mpf(10) ** -22:
                return b
            fb = log(tail(b)) - aim
        raise ArithmeticError("no quantile")

    def guess(self, p):
        """The place in the line that is not exceeded, taken at its mean time."""
        late = (1 - mpf(p)) / (self.full * self.places(self.ratio, self.room))
        if late >= 1:
            return None
        below = (1 - late) * self.places(self.ratio, self.room)
        line = below if self.ratio == 1 else log(1 + below * (self.ratio - 1)) / log(self.ratio)
        return max(line, mpf(1)) / (self.servers * self.service)


def main():
    print("#", " ".join(__doc__.splitlines()[2].split()), flush=True)
    million = 1_000_000
    for servers in (1, 2, 100, 10_000, 900_000):
        for load in (0.9, 1 - 1e-6, 1.0, 1 + 1e-6, 1.01, 3.0):
            arrival = load * servers
            room = Room(arrival, 1.0, servers, million)
            for p in (0.5, 0.99):
                guess = room.guess(p)
                wait = mpf(0) if guess is None else room.quantile(room.wait_tail, p, guess)
                late = -log(1 - mpf(p))
                response = room.quantile(room.response_tail, p, max(wait + (1 if wait > 1 else 0), late))
                print(repr(arrival), 1.0, servers, million, p, nstr(wait, 20), nstr(response, 20), flush=True)


main()
