# SPDX-FileCopyrightText: 2026 The libflufllock authors
# SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later

"""Flufl from Python, the typelib and the override: types, properties and looks."""

import datetime
import errno
import gc
import os
import pathlib
import pwd
import signal
import subprocess
import sys
import threading
import unittest

from locktest import BYSTANDER, HOUR, MS, UTC, LockTestCase, run_async, wait_for

from gi.repository import Flufl, Gio, GLib, GObject


def hold_and_wait(path):
    """The program of a holder in another process, which gets killed."""
    with Flufl.Lock(path):
        print('held', flush=True)
        signal.pause()


class Namespace(LockTestCase):
    def test_constants(self):
        self.assertEqual(Flufl.LOCK_TIMEOUT_FOREVER, -1)
        self.assertEqual(Flufl.LOCK_TIMEOUT_DEFAULT, -2)
        self.assertEqual(Flufl.LOCK_LIFETIME_DEFAULT, -1)

    def test_version(self):
        self.assertEqual(
            Flufl.VERSION_S,
            f'{Flufl.MAJOR_VERSION}.{Flufl.MINOR_VERSION}.{Flufl.MICRO_VERSION}')

    def test_lock_state(self):
        states = (Flufl.LockState.UNLOCKED, Flufl.LockState.OURS,
                  Flufl.LockState.OURS_EXPIRED, Flufl.LockState.STALE,
                  Flufl.LockState.THEIRS_EXPIRED, Flufl.LockState.UNKNOWN,
                  Flufl.LockState.THEIRS)
        self.assertEqual([int(state) for state in states], [1, 2, 3, 4, 5, 6, 7])
        self.assertEqual(Flufl.LockState.OURS_EXPIRED.value_nick, 'ours-expired')

    def test_heartbeat(self):
        beats = (Flufl.Heartbeat.NONE, Flufl.Heartbeat.MAIN_CONTEXT, Flufl.Heartbeat.THREAD,
                 Flufl.Heartbeat.AUTO)
        self.assertEqual([int(beat) for beat in beats], [0, 1, 2, 3])
        self.assertEqual(Flufl.Lock('x.lock').heartbeat, Flufl.Heartbeat.AUTO)

    def test_break_flags(self):
        self.assertEqual(int(Flufl.BreakFlags.NONE), 0)
        self.assertEqual(int(Flufl.BreakFlags.FORCE), 1)
        self.assertTrue(GObject.type_is_a(Flufl.BreakFlags, GObject.TYPE_FLAGS))

    def test_lock_error(self):
        codes = (Flufl.LockError.ALREADY_HELD, Flufl.LockError.NOT_HELD,
                 Flufl.LockError.TIMED_OUT, Flufl.LockError.LOST,
                 Flufl.LockError.NOT_A_LOCK, Flufl.LockError.UNSUPPORTED)
        self.assertEqual([int(code) for code in codes], [0, 1, 2, 3, 4, 5])
        self.assertEqual(GLib.quark_to_string(Flufl.lock_error_quark()),
                         'flufl-lock-error-quark')

    def test_exceptions(self):
        for exception in (Flufl.AlreadyHeldError, Flufl.NotHeldError, Flufl.TimedOutError,
                          Flufl.LostError, Flufl.NotALockError, Flufl.UnsupportedError):
            self.assertTrue(issubclass(exception, Flufl.Error))
            self.assertTrue(issubclass(exception, GLib.Error))
            self.assertEqual(issubclass(exception, TimeoutError),
                             exception is Flufl.TimedOutError)

    def test_repr_of_exceptions(self):
        with self.other:
            with self.assertRaises(TimeoutError) as caught:
                self.lock.acquire(0)
        self.assertRegex(repr(caught.exception), r"^Flufl\.TimedOutError\(.*, 2\)$")
        self.assertIn(caught.exception.message, repr(caught.exception))


    def test_system_errors(self):
        missing = str(self.dir / 'missing' / 'a.lock')
        lock = Flufl.Lock(missing)

        def acquire_async():
            lock.acquire_finish(run_async(lock.acquire_async, 0, None))

        for acquire in lock.acquire, acquire_async:
            with self.assertRaises(FileNotFoundError) as caught:
                acquire()
            error = caught.exception
            self.assertIsInstance(error, GLib.Error)
            self.assertTrue(error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.NOT_FOUND))
            self.assertEqual(error.errno, errno.ENOENT)
            self.assertEqual(error.strerror, os.strerror(errno.ENOENT))
            self.assertEqual(error.filename, missing)
            self.assertIn('Create it first', error.message)

    def test_an_error_reads_as_its_sentence(self):
        with self.assertRaises(Flufl.NotHeldError) as caught:
            self.lock.release()
        self.assertEqual(str(caught.exception), caught.exception.message)
        with self.assertRaises(FileNotFoundError) as caught:
            Flufl.Lock('/missing/a.lock').acquire()
        self.assertEqual(str(caught.exception), caught.exception.message)
        self.assertRegex(repr(caught.exception), r'^Flufl\.FileNotFoundError\(')
        with self.assertRaises(GLib.Error) as caught:
            Flufl.Lock(self.path, separator='a').acquire()
        self.assertEqual(str(caught.exception), caught.exception.message)
        self.assertNotIsInstance(caught.exception, OSError)


class Construction(LockTestCase):
    def test_what_is_a_file(self):
        for file in (self.path, pathlib.Path(self.path), os.fsencode(self.path),
                     Gio.File.new_for_path(self.path)):
            self.assertEqual(Flufl.Lock(file).file.get_path(), self.path)
            self.assertEqual(Flufl.Lock(file=file).get_file().get_path(), self.path)
        with self.assertRaises(TypeError):
            Flufl.Lock(5)
        with self.assertRaises(TypeError):
            Flufl.Lock()

    def test_constructors(self):
        file = Gio.File.new_for_path(self.path)
        for lock in Flufl.Lock.new(file), Flufl.Lock.new_for_path(self.path):
            self.assertIs(type(lock), Flufl.Lock)
            self.assertTrue(lock.props.file.equal(file))

    def test_new_beside(self):
        for file in (self.path, pathlib.Path(self.path), os.fsencode(self.path), self.path + '/',
                     Gio.File.new_for_path(self.path)):
            beside = Flufl.Lock.new_beside(file, lifetime=MS * 5000, linger=True)
            self.assertIs(type(beside), Flufl.Lock)
            self.assertEqual(beside.file.get_path(), self.path + '.lock')
            self.assertEqual((beside.lifetime, beside.linger), (MS * 5000, True))
        with self.assertRaises(TypeError):
            Flufl.Lock.new_beside(5)
        # A lock at the root has no neighbours.
        for root in '/', '//', b'/', '/.', b'/..':
            with self.assertRaises(GLib.Error):
                Flufl.Lock.new_beside(root).acquire()

    def test_new_beside_dots(self):
        """A directory has one lock, whether its name or dots stand for it."""
        os.mkdir(os.path.join(self.link_elsewhere(), 'x'))
        os.chdir('x')
        os.mkdir('y')
        for name in '.', './', 'y/..', b'y/..', pathlib.Path('.'), 'y/.', b'y/.', 'y/./', '..', 'y/../..':
            with self.subTest(name):
                file = Gio.File.new_for_path(os.fsdecode(name))
                self.assertEqual(Flufl.Lock.new_beside(name).file.get_path(),
                                 Flufl.Lock.new_beside(file).file.get_path())
        # The kernel's parent, as in test_parent_behind_a_link().
        self.assertEqual(Flufl.Lock.new_beside('../sub/..').file.get_path(),
                         os.path.realpath('../else') + '.lock')

    def test_documents(self):
        document = self.path + '.txt'
        hidden = os.path.join(os.path.dirname(self.path), '.' + os.path.basename(document) + '.lock')
        for file in (document, pathlib.Path(document), os.fsencode(document),
                     Gio.File.new_for_path(document)):
            lock = Flufl.Lock.new_for_document(file, linger=True)
            self.assertIs(type(lock), Flufl.Lock)
            self.assertEqual((lock.file.get_path(), lock.linger), (hidden, True))
            self.assertEqual(lock.lifetime, datetime.timedelta(minutes=2))
        self.assertEqual(lock.document.get_path(), document)
        self.assertEqual(lock.get_document(), lock.props.document)
        self.assertEqual((lock.subject, lock.get_subject()), (document, document))
        lock.subject = 'Minutes'
        lock.set_subject(lock.props.subject + ' of May')
        self.assertEqual(lock.subject, 'Minutes of May')
        self.assertEqual(Flufl.Lock(document=document).file.get_path(), hidden)
        with self.assertRaises(TypeError):
            Flufl.Lock.new_for_document(5)
        with self.assertRaises(TypeError):
            Flufl.Lock(linger=True)

    def test_parent_behind_a_link(self):
        """".." is the parent of the directory that the link points to, as for the kernel."""
        top = self.link_elsewhere()
        elsewhere = os.path.join(top, 'else')
        documents = ('sub/../data.json', b'sub/../data.json', pathlib.Path('sub/../data.json'),
                     os.path.join(top, 'sub/../data.json'), './sub/../d/../data.json/')
        for name in documents:
            with self.subTest(name):
                lock = Flufl.Lock.new_for_document(name)
                self.assertEqual(lock.document.get_path(), os.path.join(elsewhere, 'data.json'))
                with lock:
                    self.assertTrue(os.path.exists('else/.data.json.lock'))
        raw = os.fsdecode(b'sub/../\xff')
        self.assertEqual(os.fsencode(Flufl.Lock.new_for_document(raw).document.get_path()),
                         os.fsencode(elsewhere) + b'/\xff')
        for constructor in Flufl.Lock, Flufl.Lock.new_beside, Flufl.Lock.new_for_path:
            with constructor('sub/../data.json'):
                self.assertTrue(any(name.startswith('data.json') for name in os.listdir(elsewhere)))
        # A Gio.File means what it means.
        file = Gio.File.new_for_path('sub/../data.json')
        self.assertEqual(Flufl.Lock.new_for_document(file).document.get_path(),
                         os.path.join(top, 'data.json'))

    def test_foreign_details(self):
        lock = Flufl.Lock.new_for_document(self.path)
        with self.assertRaises(Flufl.NotHeldError):
            lock.query_foreign_details()
        office = pathlib.Path(os.path.dirname(self.path),
                              f'.~lock.{os.path.basename(self.path)}#')
        office.write_text('Jane Doe,jane,laptop,24.11.2026 10:20,file:///;')
        details = lock.query_foreign_details()
        self.assertEqual((details.real_name, details.program_name, details.expiration),
                         ('Jane Doe', 'LibreOffice', None))
        self.assertEqual(details.acquisition.astimezone().minute, 20)
        results = []
        lock.query_foreign_details_async(None, lambda source, result: results.append(result))
        while not results:
            GLib.MainContext.default().iteration(True)
        office.unlink()
        self.assertEqual(lock.query_foreign_details_finish(results[0]).user_name, 'jane')
        for function in self.lock.query_foreign_details, self.lock.query_foreign_details_async:
            with self.assertRaisesRegex(ValueError, 'document'):
                function()

    def test_error_means_unavailable(self):
        with self.assertRaises(GLib.Error) as missing:
            Flufl.Lock.new_for_document(self.path + '/nowhere/x').acquire(0)
        self.assertTrue(Flufl.error_means_unavailable(missing.exception))
        self.assertTrue(Flufl.error_code_means_unavailable(Gio.io_error_quark(),
                                                           Gio.IOErrorEnum.READ_ONLY))
        with self.assertRaises(Flufl.NotHeldError) as not_held:
            self.lock.release()
        self.assertFalse(Flufl.error_means_unavailable(not_held.exception))

    def test_timeouts_below_the_special_ones(self):
        for give in (self.lock.acquire, self.lock.acquire_async):
            with self.assertRaisesRegex(ValueError, '-7 ms .*-1 .*-2'):
                give(-7)
        with self.assertRaisesRegex(ValueError, '-2 ms .*-1'):
            Flufl.Lock.release_all(-2)

    def test_relative_path(self):
        before = os.getcwd()
        os.chdir(self.dir)
        try:
            lock = Flufl.Lock('a.lock')
        finally:
            os.chdir(before)
        with lock:
            self.assertTrue(os.path.exists(self.path))

    def test_keywords(self):
        lock = Flufl.Lock(self.path, separator='^', lifetime=HOUR, default_timeout=MS,
                          heartbeat=Flufl.Heartbeat.THREAD, break_dead=False, linger=True)
        self.assertEqual(lock.props.separator, '^')
        self.assertEqual(lock.props.lifetime, 3600 * 1000)
        self.assertEqual(lock.props.default_timeout, 1)
        self.assertEqual(lock.props.heartbeat, Flufl.Heartbeat.THREAD)
        self.assertFalse(lock.props.break_dead)
        self.assertTrue(lock.props.linger)

    def test_bad_input_is_told_at_the_first_use(self):
        for bad in {'separator': ''}, {'separator': '/'}:
            lock = Flufl.Lock(self.path, **bad)
            with self.assertIOError(Gio.IOErrorEnum.INVALID_ARGUMENT):
                lock.acquire()
        lock = Flufl.Lock(Gio.File.new_for_uri('http://example.org/a.lock'))
        with self.assertIOError(Gio.IOErrorEnum.NOT_SUPPORTED):
            lock.acquire()

    def test_repr(self):
        self.assertEqual(repr(self.lock), f'<Flufl.Lock {self.path!r}>')
        with self.lock:
            self.assertEqual(repr(self.lock), f'<Flufl.Lock {self.path!r} held>')
        self.assertEqual(repr(GObject.new(Flufl.Lock)), '<Flufl.Lock without a file>')
        self.assertIn('http://', repr(Flufl.Lock(Gio.File.new_for_uri('http://example.org/a'))))


class Properties(LockTestCase):
    def test_file(self):
        self.assertEqual(self.lock.props.file.get_path(), self.path)
        self.assertEqual(self.lock.get_file().get_path(), self.path)
        self.assertEqual(self.lock.file.get_path(), self.path)

    def test_separator(self):
        self.assertEqual(self.lock.props.separator, '|')
        self.assertEqual(self.lock.get_separator(), '|')
        self.assertEqual(self.lock.separator, '|')

    def test_lifetime(self):
        self.assertEqual(self.lock.props.lifetime, 15000)
        self.assertEqual(self.lock.get_lifetime(), 15000)
        self.assertEqual(self.lock.lifetime, datetime.timedelta(seconds=15))
        self.lock.set_lifetime(2000)
        self.assertEqual(self.lock.props.lifetime, 2000)
        self.lock.set_lifetime(30 * MS)
        self.assertEqual(self.lock.lifetime, 30 * MS)
        self.lock.lifetime = 40 * MS
        self.assertEqual(self.lock.get_lifetime(), 40)
        self.lock.props.lifetime = 50
        self.assertEqual(self.lock.lifetime, 50 * MS)
        self.lock.lifetime = datetime.timedelta(microseconds=1001)
        self.assertEqual(self.lock.get_lifetime(), 2)
        with self.assertRaises(ValueError):
            self.lock.lifetime = -MS

    def test_remaining_lifetime(self):
        none = datetime.timedelta()
        self.assertEqual(self.lock.get_remaining_lifetime(), 0)
        with self.lock:
            self.assertTrue(0 < self.lock.get_remaining_lifetime() <= 15000)
            self.assertTrue(none < self.lock.remaining_lifetime <= self.lock.lifetime)
        self.assertEqual(self.lock.remaining_lifetime, none)

    def test_waiting_delay(self):
        self.assertEqual(self.lock.waiting_delay, 250 * MS)
        self.lock.waiting_delay = 40 * MS
        self.assertEqual(self.lock.get_waiting_delay(), 40)
        self.lock.set_waiting_delay(0)
        self.assertEqual(self.lock.props.waiting_delay, 0)
        self.assertEqual(Flufl.Lock('x', waiting_delay=50).waiting_delay, 50 * MS)
        with self.assertRaises(ValueError):
            self.lock.waiting_delay = -MS

    def test_host_name_is_chosen(self):
        lock = Flufl.Lock(self.lock.file, host_name='mail.example.org')
        self.assertEqual(lock.host_name, 'mail.example.org')
        with lock:
            self.assertEqual(self.lock.query_details().host_name, 'mail.example.org')

    def test_default_timeout(self):
        self.assertEqual(self.lock.props.default_timeout, Flufl.LOCK_TIMEOUT_FOREVER)
        self.assertEqual(self.lock.get_default_timeout(), -1)
        self.assertIsNone(self.lock.default_timeout)
        self.lock.set_default_timeout(20)
        self.assertEqual(self.lock.default_timeout, 20 * MS)
        self.lock.set_default_timeout(30 * MS)
        self.assertEqual(self.lock.get_default_timeout(), 30)
        self.lock.default_timeout = None
        self.assertEqual(self.lock.props.default_timeout, -1)
        self.assertEqual(Flufl.Lock(self.path, default_timeout=None).get_default_timeout(), -1)
        with self.assertRaises(ValueError):
            self.lock.default_timeout = -MS

    def test_heartbeat(self):
        self.assertEqual(self.lock.props.heartbeat, Flufl.Heartbeat.AUTO)
        self.lock.heartbeat = Flufl.Heartbeat.THREAD
        self.assertEqual(self.lock.get_heartbeat(), Flufl.Heartbeat.THREAD)
        self.lock.set_heartbeat(Flufl.Heartbeat.MAIN_CONTEXT)
        self.assertEqual(self.lock.heartbeat, Flufl.Heartbeat.MAIN_CONTEXT)

    def test_break_dead(self):
        self.assertTrue(self.lock.props.break_dead)
        self.lock.break_dead = False
        self.assertFalse(self.lock.get_break_dead())
        self.lock.set_break_dead(True)
        self.assertTrue(self.lock.break_dead)

    def test_without_links(self):
        self.assertFalse(self.lock.without_links)
        lock = Flufl.Lock(self.path, without_links=True)
        self.assertTrue(lock.get_without_links())
        self.assertTrue(lock.props.without_links)

    def test_linger(self):
        self.assertFalse(self.lock.props.linger)
        self.lock.linger = True
        self.assertTrue(self.lock.get_linger())
        with self.lock, self.assertRaises(TimeoutError):
            self.other.acquire(0)
        with self.other, self.assertRaises(Flufl.NotHeldError):
            self.lock.check()
        self.lock.set_linger(False)
        self.assertFalse(self.lock.linger)
        self.assertEqual(os.listdir(self.dir), [])

    def test_host_name(self):
        self.assertEqual(self.lock.props.host_name, GLib.get_host_name())
        self.assertEqual(self.lock.get_host_name(), self.lock.host_name)

    def test_claim_file(self):
        self.assertIsNone(self.lock.claim_file)
        with self.lock:
            claim = self.lock.claim_file.get_path()
            self.assertTrue(claim.startswith(f'{self.path}|{self.lock.host_name}|{os.getpid()}|'))
            self.assertTrue(os.path.samefile(claim, self.path))
            self.assertEqual(self.lock.props.claim_file.get_path(), claim)
            self.assertEqual(self.lock.dup_claim_file().get_path(), claim)

    def test_held(self):
        seen = []
        self.lock.connect('notify::held', lambda lock, pspec: seen.append(lock.held))
        self.assertFalse(self.lock.props.held)
        with self.lock:
            self.assertTrue(self.lock.get_held())
            self.assertTrue(self.lock.held)
        self.assertFalse(self.lock.held)
        wait_for(lambda: seen == [True, False])

    def test_notify(self):
        seen = []
        names = ['lifetime', 'default-timeout', 'heartbeat', 'break-dead', 'linger']
        for name in names:
            self.lock.connect(f'notify::{name}', lambda lock, pspec: seen.append(pspec.name))
        for _ in range(2):
            self.lock.lifetime = MS
            self.lock.default_timeout = 1
            self.lock.heartbeat = Flufl.Heartbeat.THREAD
            self.lock.break_dead = False
            self.lock.linger = True
        self.assertEqual(seen, names)

    def test_read_only(self):
        for name in 'file', 'separator', 'host-name', 'claim-file', 'held':
            flags = self.lock.find_property(name).flags
            if flags & GObject.ParamFlags.WRITABLE:
                self.assertTrue(flags & GObject.ParamFlags.CONSTRUCT_ONLY, name)

    def test_retry_errnos(self):
        before = self.lock.get_retry_errnos()
        self.assertEqual(self.lock.retry_errnos, before)
        self.lock.retry_errnos = [errno.EIO, errno.ENOSPC]
        self.assertEqual(self.lock.get_retry_errnos(), [errno.EIO, errno.ENOSPC])
        self.lock.set_retry_errnos([])
        self.assertEqual(self.lock.retry_errnos, [])


class Durations(LockTestCase):
    """Milliseconds or a timedelta, wherever a duration is taken."""

    def assertAllRaise(self, exception, words, bad):
        for take in (self.lock.acquire, self.lock.acquire_async, self.lock.refresh,
                     self.lock.refresh_async, self.lock.set_lifetime,
                     self.lock.set_default_timeout,
                     lambda bad: Flufl.Lock(self.path, lifetime=bad),
                     lambda bad: Flufl.Lock(self.path, default_timeout=bad)):
            with self.assertRaisesRegex(exception, words):
                take(bad)
        self.assertFalse(self.lock.held)

    def test_seconds_are_not_taken_for_milliseconds(self):
        for bad in 0.5, 5.0, float('nan'), '5', True, False:
            self.assertAllRaise(TypeError, 'whole milliseconds, or a timedelta', bad)

    def test_infinite(self):
        for bad in float('inf'), -float('inf'):
            self.assertAllRaise(ValueError, 'None is for ever', bad)

    def test_too_large(self):
        for bad in 2**63, -2**63 - 1:
            self.assertAllRaise(OverflowError, '64 bits', bad)

    def test_a_lifetime_in_seconds_is_refused(self):
        self.lock.acquire()
        for take in (self.lock.set_lifetime, self.lock.refresh, self.lock.refresh_async,
                     lambda bad: Flufl.Lock(self.path, lifetime=bad)):
            for bad in 1, 600, 999:
                with self.assertRaisesRegex(ValueError, rf'timedelta\(seconds={bad}\)'):
                    take(bad)
        self.assertTrue(self.lock.refresh(1000))
        self.assertTrue(self.lock.refresh(999 * MS))
        self.lock.release()

    def test_out_of_range_is_refused_where_it_is_given(self):
        for bad in 0, 2**62, datetime.timedelta(0), -5:
            for take in (self.lock.set_lifetime, self.lock.refresh,
                         lambda bad: Flufl.Lock(self.path, lifetime=bad)):
                with self.assertRaisesRegex(ValueError, 'lifetime'):
                    take(bad)
        for take in (self.lock.set_default_timeout,
                     lambda bad: Flufl.Lock(self.path, default_timeout=bad)):
            with self.assertRaisesRegex(ValueError, 'default-timeout of -2 ms'):
                take(-2)
        self.assertEqual(self.lock.lifetime, datetime.timedelta(seconds=15))
        self.assertIsNone(self.lock.default_timeout)

    def test_none_is_a_timeout_for_ever(self):
        self.lock.default_timeout = 0
        for start in (lambda: self.lock.acquire(None),
                      lambda: self.lock.acquire_finish(run_async(self.lock.acquire_async, None,
                                                                 None))):
            self.other.acquire()
            release = threading.Timer(0.1, self.other.release)
            release.start()
            self.assertTrue(start())
            release.join()
            self.lock.release()
        with self.assertRaises(TypeError):
            self.lock.refresh(None)


class States(LockTestCase):
    def test_unlocked(self):
        self.assertEqual(self.lock.query_state(), Flufl.LockState.UNLOCKED)
        self.assertEqual(self.lock.query_state(None), Flufl.LockState.UNLOCKED)

    def test_ours_and_theirs(self):
        with self.lock:
            self.assertEqual(self.lock.query_state(), Flufl.LockState.OURS)
            self.assertEqual(self.other.query_state(), Flufl.LockState.THEIRS)
            self.set_age(self.path, HOUR)
            self.assertEqual(self.lock.query_state(), Flufl.LockState.OURS_EXPIRED)
            self.assertEqual(self.other.query_state(), Flufl.LockState.THEIRS_EXPIRED)
            self.lock.refresh()

    def test_unknown(self):
        claim = self.claim_by_hand()
        self.assertEqual(self.lock.query_state(), Flufl.LockState.UNKNOWN)
        self.remove_by_hand(claim)

    def test_looking_does_not_write(self):
        claim = self.claim_by_hand(age=HOUR)
        before = os.stat(claim)
        self.assertEqual(self.lock.query_state(), Flufl.LockState.THEIRS_EXPIRED)
        self.assertEqual(self.lock.query_details().pid, 1)
        self.assertRaises(Flufl.NotHeldError, self.lock.check)
        after = os.stat(claim)
        self.assertEqual(before.st_mtime_ns, after.st_mtime_ns)
        self.assertEqual(before.st_ctime_ns, after.st_ctime_ns)
        self.remove_by_hand(claim)

    def test_stale(self):
        with subprocess.Popen([sys.executable, __file__, '--hold', self.path],
                              stdout=subprocess.PIPE, text=True) as holder:
            try:
                self.assertEqual(holder.stdout.readline(), 'held\n')
                self.assertEqual(self.lock.query_state(), Flufl.LockState.THEIRS)
                self.assertEqual(self.lock.query_details().pid, holder.pid)
            finally:
                holder.kill()
        self.assertEqual(self.lock.query_state(), Flufl.LockState.STALE)
        with self.lock:
            self.assertEqual(self.lock.query_state(), Flufl.LockState.OURS)

    def test_details(self):
        claim = self.claim_by_hand(pid=77)
        details = self.lock.query_details()
        self.assertIs(type(details), Flufl.LockDetails)
        self.assertEqual(details.get_host_name(), BYSTANDER)
        self.assertEqual(details.host_name, BYSTANDER)
        self.assertEqual(details.get_pid(), 77)
        self.assertEqual(details.pid, 77)
        self.assertEqual(details.get_lock_file().get_path(), self.path)
        self.assertEqual(details.lock_file.get_path(), self.path)
        self.assertEqual(details.get_claim_file().get_path(), claim)
        self.assertEqual(details.claim_file.get_path(), claim)
        self.assertEqual(details.get_state(), Flufl.LockState.UNKNOWN)
        self.assertEqual(details.state, Flufl.LockState.UNKNOWN)
        user = pwd.getpwuid(os.geteuid())
        self.assertEqual(details.get_user_name(), user.pw_name)
        self.assertIn(details.get_real_name(), (None, user.pw_gecos.split(',')[0]))
        self.assertIsNone(details.get_program_name())
        self.assertIsNone(details.get_acquisition())
        self.assertFalse(details.is_own_process())
        mtime = os.stat(claim).st_mtime_ns // 1000
        self.assertEqual(details.get_expiration().to_unix(), mtime // 10**6)
        self.assertEqual(details.expiration.tzinfo, UTC)
        self.assertEqual((details.expiration - datetime.datetime(1970, 1, 1, tzinfo=UTC))
                         // datetime.timedelta(microseconds=1), mtime)
        for part in BYSTANDER, '77', 'unknown', str(details.expiration):
            self.assertIn(part, repr(details))
        self.remove_by_hand(claim)

    def test_holder(self):
        lock = Flufl.Lock(self.lock.file, program_name='org.example.Editor')
        self.assertEqual(lock.get_program_name(), 'org.example.Editor')
        self.assertEqual(lock.program_name, 'org.example.Editor')
        self.assertEqual(lock.props.program_name, 'org.example.Editor')
        with lock:
            details = self.lock.query_details()
        self.assertEqual(details.program_name, 'org.example.Editor')
        self.assertEqual(details.user_name, pwd.getpwuid(os.geteuid()).pw_name)
        self.assertEqual(details.acquisition.tzinfo, UTC)
        self.assertTrue(details.is_own_process())

    def test_details_copy(self):
        with self.lock:
            details = self.lock.query_details(None)
        details.free()  # PyGObject passes a copy
        self.assertEqual(details.pid, os.getpid())
        copy = details.copy()
        self.assertIs(type(copy), Flufl.LockDetails)
        del details
        gc.collect()
        self.assertEqual(copy.pid, os.getpid())
        self.assertEqual(copy.host_name, self.lock.host_name)


if __name__ == '__main__':
    if sys.argv[1:2] == ['--hold']:
        hold_and_wait(sys.argv[2])
    else:
        unittest.main()
