"""What the scripts beside this file share: the binary, the collector, the clean environment, callgrind."""

import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from urllib.request import urlopen

HERE = os.path.dirname(os.path.abspath(__file__))
BINARY = f"{HERE}/target/release/benches"


def build():
    if "--no-build" not in sys.argv:
        subprocess.run(["cargo", "build", "--release", "--locked", "--quiet"], cwd=HERE, check=True)


def machine():
    """The line under which numbers are to be read."""
    def run(*command):
        return subprocess.run(command, cwd=HERE, capture_output=True, text=True).stdout.strip()

    cpu = re.search(r"model name\s*: (.*)", open("/proc/cpuinfo").read())
    cpu = cpu.group(1) if cpu else os.uname().machine
    # The page that the results go into does not change what was measured.
    changes = run("git", "status", "--porcelain", "--untracked-files=no", "--", ":/", ":!/docs/benchmarks.md")
    commit = run("git", "rev-parse", "--short", "HEAD") + ("+" if changes else "")
    return f"{time.strftime('%Y-%m-%d')}, commit {commit}, {os.cpu_count()} cores of {cpu}, {run('rustc', '--version')}."


def need(tool, package):
    if shutil.which(tool) is None:
        sys.exit(f"{tool} is needed: apt-get install {package}")


def callgrind(*arguments, env, main=True):
    """Instructions of the main thread in `main`, before which crates calibrate clocks; or of all other threads."""
    collect = ["--toggle-collect=benches::main"] if main else []
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run(
            ["valgrind", "--tool=callgrind", "--separate-threads=yes", "--fair-sched=yes", *collect,
             f"--callgrind-out-file={directory}/out", BINARY, *arguments],
            env=env, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        totals = 0
        for path in glob.glob(f"{directory}/out-*"):
            if path.endswith("-01") == main:
                totals += int(re.search(r"^totals: (\d+)", open(path).read(), re.MULTILINE).group(1))
        return totals


def cpu_seconds(pid):
    """User and system time of a process."""
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def output(*arguments, env=None):
    return subprocess.run([BINARY, *arguments], env=env, check=True, capture_output=True, text=True).stdout


def clean_environment(**more):
    """Settings of the machine must not leak into what is measured."""
    kept = {name: value for name, value in os.environ.items() if not re.match(r"(OTEL_|RUST_LOG$|RETAIL_)", name)}
    return {**kept, **more}


class Sink:
    """A collector that forgets everything, in a process of its own."""

    def __init__(self, *prefix):
        self.prefix = prefix

    def __enter__(self):
        self.process = subprocess.Popen([*self.prefix, BINARY, "sink", "0"], stdout=subprocess.PIPE, text=True)
        self.address = self.process.stdout.readline().split()[-1]
        self.environment = clean_environment(OTEL_EXPORTER_OTLP_ENDPOINT=f"http://{self.address}",
                                             OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf")
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def spans(self):
        return int(urlopen(f"http://{self.address}/counts").read().split()[2])
