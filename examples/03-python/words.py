"""A job as a Python function: what it prints and returns is the output, an exception is a failed run."""

from collections import Counter


def report(text: str, top: int = 3) -> int:
    counts = Counter(text.split())
    for word, count in counts.most_common(top):
        print(f"{count} x {word}")
    return len(counts)
