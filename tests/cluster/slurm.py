"""A real Slurm on this one machine: two nodes, n1 with a fake GPU, n2 without.

Needs root and Debian's slurm-wlm and munge, which it installs. The daemons are children of this
process; they are stopped by their ids, and die with it if it is killed.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

CONFIGURATION = Path("/etc/slurm")
"""Snakemake's executor plugin clears SLURM_* variables, so no other place will do."""

SLURM_CONF = """\
ClusterName=livedead
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=cred_expire=5
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=0
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
GresTypes=gpu
ReturnToService=2
SlurmdTimeout=15
KillWait=3
DefMemPerCPU=500
MinJobAge=3600
PrologFlags=Alloc
AccountingStorageType=accounting_storage/none
StateSaveLocation={folder}/state
SlurmctldPidFile={folder}/slurmctld.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdSpoolDir={folder}/spool.%n
SlurmdPidFile={folder}/%n.pid
SlurmdLogFile={folder}/%n.log
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port=17001 CPUs=2 RealMemory=16000 Gres=gpu:1 Weight=2
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port=17002 CPUs=2 RealMemory=16000 Weight=1
PartitionName=cpu Nodes=n1,n2 Default=YES PriorityTier=1
PartitionName=gpu Nodes=n1 PriorityTier=1
PartitionName=urgent Nodes=n1 PriorityTier=2
"""
GRES_CONF = "NodeName=n1 Name=gpu Count=1 File=/dev/null\n"

PACKAGES = ("slurm-wlm", "munge")
SECONDS = 30


class UnavailableError(Exception):
    """Why there can be no Slurm here."""


class Job(NamedTuple):
    """One job, as Slurm tells it; `rule` is Snakemake's comment, with the wildcards."""

    number: str
    state: str
    node: str
    rule: str


def install() -> None:
    """Install Slurm by apt, or raise `UnavailableError` with the reason."""
    if os.geteuid() != 0:
        raise UnavailableError("Slurm's daemons need root")
    existing = CONFIGURATION / "slurm.conf"
    if existing.exists() and not existing.is_symlink():
        raise UnavailableError(f"this machine has a Slurm of its own: {existing}")
    if shutil.which("slurmctld") and shutil.which("munged"):
        return
    if shutil.which("apt-get") is None:
        raise UnavailableError("Slurm is not installed, and there is no apt-get")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "-y", "--no-install-recommends", *PACKAGES]):
        run = subprocess.run(
            ["apt-get", "-q", *command], env=environment, capture_output=True, text=True, check=False
        )
        if run.returncode != 0:
            raise UnavailableError(f"apt-get {command[0]}: {run.stderr.strip().splitlines()[-1:]}")


@contextmanager
def one_machine_slurm(folder: Path) -> Iterator[None]:
    """Run Slurm with its state in `folder` while the body runs."""
    (folder / "state").mkdir()
    host = socket.gethostname()
    (folder / "slurm.conf").write_text(SLURM_CONF.format(host=host, folder=folder))
    (folder / "gres.conf").write_text(GRES_CONF)
    with ExitStack() as stack:
        for name in ("slurm.conf", "gres.conf"):
            link = CONFIGURATION / name
            link.unlink(missing_ok=True)
            link.symlink_to(folder / name)
            stack.callback(link.unlink)
        if not _munge_answers():
            for path in ("/run/munge", "/var/log/munge", "/var/lib/munge"):
                Path(path).mkdir(exist_ok=True)
                shutil.chown(path, "munge", "munge")
            munge = ["--reuid", "munge", "--regid", "munge", "--clear-groups"]
            stack.enter_context(_daemon(folder, *munge, "munged", "--foreground", "--force"))
            _wait_for(_munge_answers)
        stack.enter_context(_daemon(folder, "slurmctld", "-D", "-c"))
        for node in ("n1", "n2"):
            stack.enter_context(_daemon(folder, "slurmd", "-D", "-N", node))
        _wait_for(lambda: set(_ask("sinfo", "--noheader", "--Node", "--format=%T").split()) == {"idle"})
        try:
            yield
        finally:
            cancel_all()


@contextmanager
def _daemon(folder: Path, *command: str) -> Iterator[None]:
    with (
        open(folder / "daemons.log", "ab") as log,
        subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", *command],
            stdout=log,
            stderr=log,
            cwd=folder,
        ) as process,
    ):
        try:
            yield
        finally:
            process.terminate()


def jobs(folder: Path) -> list[Job]:
    """Every job submitted in `folder`, ended or not."""
    listed = _ask("squeue", "--noheader", "--states=all", "--format=%A|%T|%N|%k|%Z").splitlines()
    found = [line.rsplit("|", 1) for line in listed]
    return [Job(*rest.split("|")) for rest, submitted_in in found if submitted_in == str(folder)]


def active(folder: Path) -> list[Job]:
    """The jobs of `folder` that have not ended."""
    return [job for job in jobs(folder) if job.state in ("PENDING", "CONFIGURING", "RUNNING", "COMPLETING")]


def cancel_all() -> None:
    """Cancel every job and wait until all are gone."""
    subprocess.run(["scancel", "--user=root"], check=False)
    _wait_for(lambda: not _ask("squeue", "--noheader").strip())


def _munge_answers() -> bool:
    return subprocess.run(["munge", "-n"], capture_output=True, check=False).returncode == 0


def _ask(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def _wait_for(condition) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"Slurm: not within {SECONDS} s; see slurmctld.log")
        time.sleep(0.1)
