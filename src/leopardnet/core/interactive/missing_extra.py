"""Stand-ins for public names whose libraries are missing: they document themselves, and refuse to be called."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

from leopardnet.core.errors import BackendError
from leopardnet.core.install_advice import name_install


class _Source(str):
    """A piece of source, shown as it is written."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def make_stand_in(name: str, module: str, path: str, error: ImportError, *, extra: str) -> Callable[..., NoReturn]:
    """Return what takes the place of a function or class that cannot be imported.

    name: the public name; module, path: where it is defined. It has the docstring of the original and, for a
    function, its signature, both read from the source, and raises BackendError with the extra when it is called.
    """

    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise BackendError(
            f"{name} needs libraries that are not installed",
            found=str(error),
            expected=f"the extra {extra}",
            todo=name_install(extra),
        )

    spec = find_spec(module)
    assert spec is not None and spec.origin is not None
    body = ast.parse(Path(spec.origin).read_text("utf-8")).body
    node = next(x for x in body if isinstance(x, (ast.FunctionDef, ast.ClassDef)) and x.name == path)
    refuse.__name__ = refuse.__qualname__ = name
    refuse.__module__ = module
    refuse.__doc__ = ast.get_docstring(node)
    if isinstance(node, ast.FunctionDef):
        refuse.__signature__ = _read_signature(node)  # type: ignore[attr-defined]
    return refuse


def _read_signature(node: ast.FunctionDef) -> inspect.Signature:
    empty, x = inspect.Parameter.empty, node.args
    defaults = [*[None] * (len(x.args) - len(x.defaults)), *x.defaults, *x.kw_defaults]
    kinds: list[Any] = [inspect.Parameter.POSITIONAL_OR_KEYWORD] * len(x.args)
    kinds += [inspect.Parameter.KEYWORD_ONLY] * len(x.kwonlyargs)
    return inspect.Signature(
        [
            inspect.Parameter(
                arg.arg,
                kind,
                default=_Source(ast.unparse(default)) if default else empty,
                annotation=_Source(ast.unparse(arg.annotation)) if arg.annotation else empty,
            )
            for arg, kind, default in zip([*x.args, *x.kwonlyargs], kinds, defaults, strict=True)
        ],
        return_annotation=_Source(ast.unparse(node.returns)) if node.returns else empty,
    )
