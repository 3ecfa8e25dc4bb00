"""The smallest of several repeats, in seconds."""
import time


def smallest(act, repeats, warm_up=3):
    for _ in range(warm_up):
        act()
    best = 1e9
    for _ in range(repeats):
        start = time.perf_counter()
        act()
        best = min(best, time.perf_counter() - start)
    return best
