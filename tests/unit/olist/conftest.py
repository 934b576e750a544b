from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scripts.olist.files import Files
from tests.olist_orders import write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path)


@pytest.fixture
def compressed(tmp_path: Path) -> Callable[[], Path]:
    return lambda: write(tmp_path, compressed=True)


@pytest.fixture
def files(folder: Path) -> Iterator[Files]:
    files = Files(folder)
    yield files
    files.close()
