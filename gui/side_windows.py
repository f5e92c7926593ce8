"""The small windows that stand beside the large one: keys, pen test, about."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, Slot
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QDialog, QMessageBox

from core.settings import RESOURCES
from gui.main_window import MainWindow

ABOUT = (
    "A studio for painting with diffusion models, on your own machine.\n\n"
    "Apache License 2.0. Uses Qt (LGPL 3), diffusers, PyTorch, and icons by Lucide (ISC). "
    "The embedded model's licences lie beside it."
)


class SideWindows(QObject):
    """Opens them from their actions; none of them stops anything."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        actions = window.actions_by_name
        self._keys: QDialog | None = None
        actions["keys"].triggered.connect(self._on_keys)
        actions["pen_test"].triggered.connect(self._on_pen_test)
        actions["about"].triggered.connect(self._on_about)

    @Slot()
    def _on_keys(self) -> None:
        from gui.panels.keys import KeysDialog

        if self._keys is None:
            self._keys = KeysDialog(self._window.keymap, self._window.theme, self._window)
        self._keys.show()
        self._keys.raise_()
        self._keys.activateWindow()

    @Slot()
    def _on_pen_test(self) -> None:
        from gui.panels.pen_test import PenTest

        test = PenTest(self._window)
        test.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        test.show()

    @Slot()
    def _on_about(self) -> None:
        box = QMessageBox(self._window)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setWindowTitle("About Sfumato")
        box.setText("Sfumato 0.1.0")
        box.setInformativeText(ABOUT)
        box.setIconPixmap(QIcon(str(RESOURCES / "icons" / "sfumato.svg")).pixmap(64, 64))
        box.setStandardButtons(QMessageBox.StandardButton.Close)
        for each in box.buttons():
            each.setIcon(QIcon())  # the style's own are of another time
        box.open()
