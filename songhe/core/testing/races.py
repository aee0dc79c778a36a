"""Two people at once: real threads, each with its own connection."""

import threading
from collections.abc import Callable
from typing import Any

from django.db import connection


def together(*actions: Callable[[], Any]) -> list[Any]:
    """Run the actions at the same time, each in its own thread; return what each returned or raised, in order."""
    results: list[Any] = [None] * len(actions)
    ready = threading.Barrier(len(actions))

    def run(number: int, action: Callable[[], Any]) -> None:
        try:
            ready.wait(timeout=10)
            results[number] = action()
        except Exception as error:
            results[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(actions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return results
