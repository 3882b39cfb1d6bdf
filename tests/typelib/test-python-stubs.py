# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""test-python-stubs.py STUBS GIR VENV: do the stubs of Flufl have what the typelib and the override have?

And does mypy, where VENV has it, accept a right program and refuse each line of a wrong one? VENV
also has the sources of pygobject-stubs, which have the classes of GLib.
"""

import ast
import importlib.util
import inspect
import pathlib
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

from locktest import Flufl

HERE = pathlib.Path(__file__).resolve().parent

RIGHT = '''
import asyncio
import datetime
import pathlib

import gi
gi.require_version('Flufl', '1')
from gi.repository import Flufl, Gio


def on_lost(lock: Flufl.Lock, error: Flufl.LostError) -> None:
    print(error.message)


lock = Flufl.Lock(pathlib.Path('a.lock'), lifetime=datetime.timedelta(seconds=30), linger=True)
lock.lifetime = 5000
lock.default_timeout = None
lock.props.heartbeat = Flufl.Heartbeat.THREAD
lock.connect('lost', on_lost)
try:
    with Flufl.Lock.new_beside('data') as other:
        seconds: float = other.lifetime.total_seconds()
        other.refresh(datetime.timedelta(hours=1))
except Flufl.TimedOutError as error:
    message: str = error.message
except TimeoutError:
    pass
lock.acquire(timeout=None, cancellable=Gio.Cancellable())
lock.break_lock(Flufl.BreakFlags.FORCE)
lock.break_lock_of(lock.query_details(), Flufl.BreakFlags.FORCE)
pids: list[int] = [waiter.pid for waiter in lock.list_waiters()]
lock.acquire_async(1000, None, lambda lock, result: print(lock.acquire_finish(result)))
lock.release_async(callback=None)


@lock
def add(one: int, other: int) -> int:
    return one + other


@lock
async def work() -> Flufl.LockState:
    async with lock:
        held: bool = await lock.check_async()
        details: Flufl.LockDetails = await lock.query_details_async()
        ends: datetime.datetime | None = details.expiration
        pids: list[int] = [waiter.pid for waiter in await lock.list_waiters_async()]
        files: list[Gio.File] = await Flufl.Lock.remove_leftovers_async('/tmp', dry_run=True)
    return await lock.query_state_async()


total: int = add(1, 2)
state: Flufl.LockState = asyncio.run(work())
'''

# Each line that ends with "# wrong" has an error, and no other line.
WRONG = '''
import gi
gi.require_version('Flufl', '1')
from gi.repository import Flufl

lock = Flufl.Lock('a.lock')
Flufl.Lock('a.lock', life_time=5000)  # wrong
Flufl.Lock(1)  # wrong
lock.lifetime = 1.5  # wrong
lock.lifetime = None  # wrong
lock.held = True  # wrong
lock.host_name = 'here'  # wrong
lock.heartbeat = 'thread'  # wrong
lock.acquire(timeout=1.5)  # wrong
lock.acquire(timeout_ms=1)  # wrong
lock.aquire()  # wrong
lock.release(1000)  # wrong
lock.break_lock(True)  # wrong
lock.query_details().get_user()  # wrong
Flufl.LockState.LOCKED  # wrong
Flufl.Timeout  # wrong


@lock
def add(one: int) -> int:
    return one + 1


add('1')  # wrong


async def work() -> None:
    await lock.acquire(1000)  # wrong
    await lock.acquire_async(1.5)  # wrong
    (await lock.check_async()).pid  # wrong
    (await lock.list_waiters_async()).pid  # wrong
    await Flufl.Lock.remove_leftovers_async(5)  # wrong
'''

# The types of Python for those of the GIR.
RESULTS = {'gboolean': 'bool', 'utf8': 'str', 'gint': 'int', 'guint': 'int', 'gint64': 'int', 'none': 'None',
           'GLib.Quark': 'int'}
# The override returns its own classes from these, and the last has results in its parameters.
OTHER_RESULTS = {('Lock', 'new_beside'), ('Lock', 'new_for_document'), ('Lock', 'dup_lost_error'), ('Lock', 'explain_error'),
                 ('Operation', 'get_error')}


def load(name):
    spec = importlib.util.spec_from_file_location(name, HERE / f'{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


gir = load('test-coverage')


def names(body):
    """All that a body of a module or class defines: its name, and the definitions."""
    found = {}
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.setdefault(node.name, []).append(node)
        elif isinstance(node, ast.AnnAssign):
            found.setdefault(node.target.id, []).append(node)
        elif isinstance(node, ast.Assign):
            found.setdefault(node.targets[0].id, []).append(node)
    return found


def stub_parameters(definitions):
    """The positional parameters of the definition that has most of them."""
    most = []
    for node in definitions:
        found = [argument.arg for argument in node.args.args if argument.arg not in ('self', 'cls')]
        if node.args.vararg:
            found.append(node.args.vararg.arg)
        most = max(most, found, key=len)
    return most


def gir_parameters(element):
    parameters = element.findall(f'{gir.CORE}parameters/{gir.CORE}parameter')
    lengths = {array.get('length') for array in element.iter(gir.CORE + 'array')}
    return [parameter.get('name') for index, parameter in enumerate(parameters)
            if parameter.get('direction') != 'out' and str(index) not in lengths]


def runtime_parameters(type_name, name, element):
    """Those of the override, if it has a function of that name, and of the typelib otherwise."""
    expected = gir_parameters(element)
    function = getattr(getattr(Flufl, type_name), name) if type_name else None
    function = getattr(function, '__func__', function)
    if not inspect.isfunction(function):
        return expected
    found = inspect.signature(function, follow_wrapped=False).parameters.values()
    own = [parameter.name for parameter in found
           if parameter.kind == parameter.POSITIONAL_OR_KEYWORD and parameter.name not in ('self', 'cls')]
    takes_more = any(parameter.kind == parameter.VAR_POSITIONAL for parameter in found)
    return own + expected[len(own):] if takes_more else own


class Stubs(unittest.TestCase):
    def setUp(self):
        self.namespace = ElementTree.parse(GIR).find(gir.CORE + 'namespace')
        self.tree = ast.parse((STUBS / 'repository' / 'Flufl.pyi').read_text(encoding='utf-8'))
        self.top = names(self.tree.body)
        self.classes = {name: names(definitions[0].body) for name, definitions in self.top.items()
                        if isinstance(definitions[0], ast.ClassDef)}
        self.properties = {name: names(self.classes[name]['Props'][0].body)
                           for name in ('Lock', 'LockMonitor')}

    def elements(self):
        """Yield (type or None, name, element) for all that has parameters."""
        for element in self.namespace:
            if element.tag == gir.CORE + 'function' and element.get('moved-to') is None:
                yield None, element.get('name'), element
            for member in element:
                if member.tag.removeprefix(gir.CORE) in ('constructor', 'method', 'function'):
                    yield element.get('name'), member.get('name'), member

    def test_the_package_is_partial(self):
        self.assertEqual((STUBS / 'py.typed').read_text(), 'partial\n')

    def test_nothing_is_missing(self):
        missing = []
        for kind, type_name, name in gir.public_items(self.namespace):
            name = name.replace('-', '_')
            if kind == 'signal' or (type_name, name) == ('LockMonitor', 'lock'):  # cannot be read
                continue
            scope = self.classes.get(type_name, {}) if type_name else self.top
            if (name.upper() if kind == 'member' else name) not in scope:
                missing.append(f'{type_name}.{name}')
            if kind == 'property' and name not in self.properties[type_name]:
                missing.append(f'{type_name}.props.{name}')
        self.assertEqual(missing, [])

    def test_nothing_else(self):
        for name in self.top:
            if not name.startswith('_'):
                self.assertTrue(hasattr(Flufl, name), name)
        for type_name, members in self.classes.items():
            for name in members:
                if name != 'Props':
                    self.assertTrue(hasattr(getattr(Flufl, type_name), name), f'{type_name}.{name}')

    def test_exceptions_and_public_methods_of_the_override(self):
        override = sys.modules['gi.overrides.Flufl']
        for name in override.__all__:
            self.assertIn(name, self.top)
        for type_name in 'Lock', 'LockDetails', 'LockMonitor':
            for name in vars(getattr(override, type_name)):
                # Those are of GObject.Object, and its stub has them.
                if not name.startswith('_') and not name.startswith('connect'):
                    self.assertIn(name, self.classes[type_name])

    def test_parameters(self):
        count = 0
        for type_name, name, element in self.elements():
            if not gir.is_introspectable(element) or type_name == 'Operation' and name in ('ref', 'unref'):
                continue
            scope = self.classes[type_name] if type_name else self.top
            with self.subTest(f'{type_name}.{name}'):
                self.assertEqual(stub_parameters(scope[name]), runtime_parameters(type_name, name, element))
                count += 1
        self.assertGreater(count, 60)

    def test_results(self):
        count = 0
        for type_name, name, element in self.elements():
            result = element.find(gir.CORE + 'return-value')
            kind = result.find(gir.CORE + 'type')
            if (not gir.is_introspectable(element) or kind is None
                    or kind.get('name') == 'GLib.PtrArray' or name.endswith('_async')
                    or (type_name, name) in OTHER_RESULTS):
                continue
            expected = RESULTS.get(kind.get('name'), kind.get('name'))
            if result.get('nullable') == '1':
                expected += ' | None'
            node, = (self.classes[type_name] if type_name else self.top)[name]
            with self.subTest(f'{type_name}.{name}'):
                self.assertEqual(ast.unparse(node.returns), expected)
                count += 1
        self.assertGreater(count, 60)

    def test_results_of_await(self):
        methods = self.classes['Lock']
        names = [name for name in methods if name.endswith('_async')]
        self.assertEqual(len(names), 11)
        for name in names:
            node, = methods[name.replace('_async', '_finish')]
            self.assertEqual([ast.unparse(overload.returns) for overload in methods[name]],
                             [f'Coroutine[Any, Any, {ast.unparse(node.returns)}]', 'None', 'None'])

    def test_values(self):
        for element in self.namespace:
            if element.tag.removeprefix(gir.CORE) in ('enumeration', 'bitfield'):
                for member in element.findall(gir.CORE + 'member'):
                    node, = self.classes[element.get('name')][member.get('name').upper()]
                    self.assertEqual(node.value.value, int(member.get('value')), member.get('name'))

    def test_writable_properties_are_keywords(self):
        writable = {element.get('name').replace('-', '_')
                    for element in self.namespace.find(f'{gir.CORE}class[@name="Lock"]')
                    if element.tag == gir.CORE + 'property' and element.get('writable')}
        self.assertIn('waiting_delay', writable)
        for name in '__init__', 'new_beside', 'new_for_document':
            for node in self.classes['Lock'][name]:
                keywords = {argument.arg for argument in node.args.kwonlyargs}
                self.assertEqual(keywords | {'file', 'document'}, writable)


class Mypy(unittest.TestCase):
    def setUp(self):
        self.python = VENV / 'bin' / 'python3'
        if not self.python.exists() or subprocess.run(
                [self.python, '-m', 'mypy', '--version'], stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL).returncode != 0:
            self.skipTest(f'{VENV} has no mypy; scripts/test installs it')
        sources = sorted(VENV.glob('sources/pygobject_stubs-*/src'))
        if not sources:
            self.skipTest(f'{VENV} has no sources of pygobject-stubs; scripts/test installs them')
        directory = tempfile.TemporaryDirectory(prefix='flufl-stubs-')
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        # An interpreter whose packages are these stubs, as they are installed.
        subprocess.run([sys.executable, '-m', 'venv', '--without-pip', self.directory / 'venv'], check=True)
        site, = self.directory.glob('venv/lib/python*/site-packages')
        (site / 'gi-stubs').symlink_to(STUBS)
        (site / 'others.pth').write_text(f'{sources[-1]}\n')

    def check(self, *arguments):
        result = subprocess.run(
            [self.python, '-m', 'mypy', '--strict', '--no-error-summary', '--no-incremental',
             '--python-executable', self.directory / 'venv' / 'bin' / 'python3', *arguments],
            cwd=self.directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return result.returncode, result.stdout

    def test_right(self):
        (self.directory / 'right.py').write_text(RIGHT)
        self.assertEqual(self.check('right.py'), (0, ''))

    def test_stubs(self):
        self.assertEqual(self.check('-m', 'gi.repository.Flufl'), (0, ''))

    def test_wrong(self):
        (self.directory / 'wrong.py').write_text(WRONG)
        status, output = self.check('wrong.py')
        self.assertEqual(status, 1, output)
        found = {int(line.split(':')[1]) for line in output.splitlines() if ': error:' in line}
        expected = {number for number, line in enumerate(WRONG.splitlines(), 1) if line.endswith('# wrong')}
        self.assertEqual(found, expected, output)


if __name__ == '__main__':
    STUBS, GIR, VENV = (pathlib.Path(name).absolute() for name in sys.argv[1:])
    unittest.main(argv=sys.argv[:1], verbosity=2)
