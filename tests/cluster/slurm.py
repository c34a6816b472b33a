"""A sweep through a real SLURM on this one machine: ``make test-cluster``.

Needs root and Debian's packages slurm-wlm and munge. The daemons listen on loopback, work in a
temporary folder and are ended at the end. ``/etc/slurm/slurm.conf`` is written for as long, since
jobs look for it there alone; one that is there already is never touched.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from helpers import ROOT
from tests.cluster.sweeps import install_plugins, study, sweep
from tests.runs.conftest import Project

CONF = Path("/etc/slurm/slurm.conf")
GPUS = CONF.with_name("gres.conf")  # one that SLURM gives to jobs, and no device
TEMPLATE = """\
ClusterName=one
SlurmctldHost={host}(127.0.0.1)
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={work}/munge.socket
CryptoType=crypto/munge
MinJobAge=7200
StateSaveLocation={work}/state
SlurmdSpoolDir={work}/spool
SlurmctldPidFile={work}/slurmctld.pid
SlurmdPidFile={work}/slurmd.pid
SlurmctldLogFile={work}/slurmctld.log
SlurmdLogFile={work}/slurmd.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
ReturnToService=2
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 Gres=gpu:1 CPUs={cpus} RealMemory={memory} State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def missing() -> str:
    """Return in a sentence what is not here; empty if all is."""
    tools = ("munged", "slurmctld", "slurmd", "sbatch", "squeue")
    absent = [name for name in tools if shutil.which(name) is None]
    if absent:
        return f"{', '.join(absent)} not found: apt-get install slurm-wlm munge, then try again."
    if os.geteuid() != 0:
        return "SLURM's daemons need root here: run `sudo make test-cluster`."
    if CONF.exists() or GPUS.exists():
        return (
            f"{CONF} or {GPUS.name} is there: this test starts a cluster of its own and leaves "
            "yours alone."
        )
    return ""


@contextmanager
def cluster(work: Path) -> Iterator[None]:
    """Run munged, slurmctld and slurmd; end them, and nothing else, afterwards."""
    for name in ("state", "spool"):
        (work / name).mkdir(parents=True)
    key = work / "munge.key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o400)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    facts = {"host": socket.gethostname(), "work": work, "cpus": os.cpu_count()}
    CONF.parent.mkdir(exist_ok=True)
    CONF.write_text(TEMPLATE.format(memory=memory * 9 // 10, **facts))
    GPUS.write_text("AutoDetect=off\nName=gpu File=/dev/null\n")
    daemons = []
    try:
        for words in (
            ["munged", "--foreground", "--force", f"--key-file={key}",
             f"--socket={work}/munge.socket", f"--pid-file={work}/munged.pid",
             f"--log-file={work}/munged.log", f"--seed-file={work}/munged.seed"],
            ["slurmctld", "-D"],
            ["slurmd", "-D"],
        ):  # fmt: skip
            with (work / f"{words[0]}.out").open("w") as out:
                daemons.append(subprocess.Popen(words, stdout=out, stderr=subprocess.STDOUT))
            time.sleep(2)
        wait_for_node()
        yield
    finally:
        for daemon in reversed(daemons):
            daemon.terminate()
        for daemon in daemons:
            daemon.wait(timeout=30)
        for path in (CONF, GPUS):
            path.unlink(missing_ok=True)


def wait_for_node(seconds: float = 60) -> None:
    """Wait until the node takes jobs."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done = subprocess.run(["sinfo", "-h", "-o", "%T"], capture_output=True, text=True)
        if done.stdout.strip() in ("idle", "mixed", "allocated"):
            return
        time.sleep(1)
    raise SystemExit(f"SLURM's node did not come up: {done.stdout}{done.stderr}")


def main() -> int:
    """Run notebooks as SLURM jobs, two with a GPU, then a study; return 0 if all is there."""
    why = missing()
    if why:
        print(why, file=sys.stderr)
        return 2
    plugins = install_plugins()
    with tempfile.TemporaryDirectory(prefix="cluster-") as folder:
        work, root = Path(folder) / "slurm", Path(folder) / "project"
        root.mkdir()
        project = Project(root)
        with cluster(work):
            words = ["--profile", str(ROOT / "notebooks" / "profiles" / "slurm"),
                     "--slurm-status-command", "squeue", "--default-resources",
                     "slurm_account=one"]  # fmt: skip
            records, well = sweep(project, plugins, *words, "mem_mb=500")
            trials, trained = study(plugins, Path(folder), *words, "mem_mb=3000")
            said = subprocess.run(["scontrol", "show", "job"], capture_output=True, text=True)
        jobs = [one for one in said.stdout.split("\n\n") if "JobState=COMPLETED" in one]
        ran, gpus = len(jobs), sum("TresPerJob=gres:gpu:1" in one for one in jobs)
        print(
            f"{records} of 4 runs left a record; SLURM ran {ran} jobs, {gpus} of "
            "them with a GPU of their own. A study's two runs trained the trials that they "
            f"lacked, {trials} of 8, into one folder."
        )
        return (
            0 if well and records == 4 and ran >= 6 and gpus == 2 and trained and trials == 8 else 1
        )


if __name__ == "__main__":
    sys.exit(main())
