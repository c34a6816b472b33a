"""YAML files that people write: plain values, and no key twice."""

from pathlib import Path
from typing import Any

import yaml

from helpers import UserError


def load_yaml(path: Path) -> Any:
    """Return what the YAML file ``path`` holds; a key that stands twice is refused."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_OnceLoader)  # noqa: S506
    except FileNotFoundError:
        raise UserError(f"There is no file {path}.") from None
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise UserError(f"Cannot read {path}: {why}.") from None
    except yaml.YAMLError as error:
        raise UserError(f"{path} is not valid YAML: {' '.join(str(error).split())}.") from None


class _OnceLoader(yaml.SafeLoader):
    """Plain values only; YAML itself would silently take the last of two equal keys."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if isinstance(key, str) and keys.count(key) > 1:
                raise yaml.MarkedYAMLError(problem=f"{key!r} stands twice{node.start_mark}")
        return super().construct_mapping(node, deep)
