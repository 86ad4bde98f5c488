"""The stubs say what the module has, and the types are right."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mypy")
HERE = Path(__file__).parent


def mypy(*arguments):
    done = subprocess.run([sys.executable, "-m", *arguments], capture_output=True, text=True, cwd=HERE)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_stubs_say_what_the_modules_have():
    mypy("mypy.stubtest", "zyre", "zyre_pyzmq", "--mypy-config-file", HERE / "mypy.ini")


def test_the_types_of_the_package_and_of_a_program_are_right(tmp_path):
    cache = f"--cache-dir={tmp_path}"
    mypy("mypy", "--config-file", HERE / "mypy.ini", "--strict", cache, "-p", "zyre")
    mypy("mypy", "--config-file", HERE / "mypy.ini", "--strict", cache, HERE / "typed_program.py")


def test_everything_public_has_a_docstring():
    import inspect

    import zyre
    import zyre.pyre

    missing = []
    for module in (zyre, zyre.pyre):
        for name in module.__all__:
            thing = getattr(module, name)
            if inspect.isclass(thing):
                if not thing.__doc__:
                    missing.append(name)
                for part, value in vars(thing).items():
                    is_public = not part.startswith("_") and (callable(value) or isinstance(value, property))
                    if is_public and not inspect.getdoc(getattr(thing, part)):
                        missing.append(f"{name}.{part}")
            elif inspect.isfunction(thing) and not thing.__doc__:
                missing.append(name)
    assert not missing


def test_the_stubs_document_what_the_module_documents():
    import ast
    import inspect

    import zyre

    text = Path(zyre.__file__).with_name("_zyre.pyi").read_text()
    classes = [part for part in ast.parse(text).body if isinstance(part, ast.ClassDef)]
    assert len(classes) > 40
    for stub in classes:
        real = getattr(zyre._zyre, stub.name)
        assert ast.get_docstring(stub) == inspect.cleandoc(real.__doc__), stub.name
        for part in stub.body:
            if isinstance(part, ast.FunctionDef) and not part.name.startswith("_"):
                said = inspect.getattr_static(real, part.name).__doc__ or getattr(real, part.name).__doc__
                assert ast.get_docstring(part) == inspect.cleandoc(said), f"{stub.name}.{part.name}"
