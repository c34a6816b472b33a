"""Workbooks of a spreadsheet program: refused, with what to save them as."""

from pathlib import Path

from helpers import UserError
from helpers.sources.rows import Format, Rows


def read(path: Path, data: bytes) -> Rows:
    """Refuse the file.

    Raises:
        UserError: always.
    """
    program = "LibreOffice" if path.suffix.lower() == ".ods" else "Excel"
    raise UserError(f'{path} is a workbook of {program}: save its sheet as "CSV UTF-8" first.')


FORMAT = Format((".xlsx", ".xls", ".xlsm", ".ods"), read)
