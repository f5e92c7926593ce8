"""Cold process to first paint: Sfumato's window over a bare PySide6 window.

Each pair is two processes one after the other; the page cache is warm. Prints one JSON line.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAIRS = 7
PROMISE = 1.6

BARE = """
import sys
from PySide6.QtWidgets import QApplication, QMainWindow
app = QApplication(sys.argv)
class Window(QMainWindow):
    def paintEvent(self, event):
        super().paintEvent(event)
        print('painted', flush=True)
        import os; os._exit(0)
window = Window()
window.resize(1280, 800); window.show(); app.exec()
"""
OURS = """
import gc, sys
gc.disable()  # as main.py does
sys.path.insert(0, {root!r})
from gui.app import make_application
from gui.theme import Theme
from gui.sampling import Sampling
from gui.main_window import MainWindow
app = make_application()
theme = Theme(app)
class Window(MainWindow):
    def paintEvent(self, event):
        super().paintEvent(event)
        print('painted', flush=True)
        import os; os._exit(0)
window = Window(theme, Sampling()); theme.choose('dark')
window.resize(1280, 800); window.show(); app.exec()
"""


def seconds_to_paint(program: str) -> float:
    """Wall seconds from the start of a process to its first paint."""
    environment = dict(os.environ)
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # who starts it twice has the bytecode
    if "DISPLAY" not in environment:
        environment["QT_QPA_PLATFORM"] = "offscreen"
    begin = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    seconds = time.perf_counter() - begin
    process.wait()
    if line.strip() != "painted":
        raise RuntimeError("the window never painted")
    return seconds


def main() -> None:
    """Measure and print."""
    ours = OURS.format(root=str(ROOT))
    seconds_to_paint(BARE), seconds_to_paint(ours)  # fill the page cache
    pairs = [(seconds_to_paint(ours), seconds_to_paint(BARE)) for _ in range(PAIRS)]
    ratios = sorted(own / bare for own, bare in pairs)
    print(
        json.dumps(
            {
                "benchmark": "window first paint",
                "baseline": "bare PySide6 window",
                "ratio": round(statistics.median(ratios), 3),
                "range": [round(ratios[0], 3), round(ratios[-1], 3)],
                "promise": PROMISE,
                "ms": round(statistics.median(own for own, _ in pairs) * 1000),
                "baseline_ms": round(statistics.median(bare for _, bare in pairs) * 1000),
                "pairs": PAIRS,
            }
        )
    )


if __name__ == "__main__":
    main()
