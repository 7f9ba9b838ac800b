"""A working folder whose jobs go to Slurm."""

import subprocess
import time
from pathlib import Path

import slurm
from working_folder import Folder

SECONDS = 120
FOR_TESTS = {
    "--slurm-status-command": "squeue",
    "--slurm-init-seconds-before-status-checks": "2",
    "--seconds-between-status-checks": "2",
    "--latency-wait": "5",
    "--set-resources": "segment_fields:gpu=1",
}
"""Beside the profile: there is no accounting, nobody waits half a minute, and a CPU asks for a GPU."""


class OnSlurm(Folder):
    """A working folder whose jobs go to Slurm through the profile of the workflow."""

    def __init__(self, path: Path, repository: Path):
        super().__init__(path, repository)
        flags = [word for pair in FOR_TESTS.items() for word in pair]
        self.where = ("--workflow-profile", str(repository / "workflow/profiles/slurm"), *flags)

    def resume_command(self, *arguments: str) -> list[str]:
        _, profile, *flags = self.where
        return [*super().resume_command(*flags, *arguments), f"PROFILE={profile}"]

    def start(self, command: list[str]) -> subprocess.Popen:
        """Start a command in a session of its own, so that it can be killed with all it started here."""
        with open(self.path / "run.log", "ab") as log:
            return subprocess.Popen(command, cwd=self.path, stdout=log, stderr=log, start_new_session=True)

    def wait_for(self, run: subprocess.Popen, rule: str, state: str = "RUNNING") -> slurm.Job:
        """The first job of `rule` that is in `state`; the run must not end before."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            for job in slurm.jobs(self.path):
                if job.rule.startswith(f"rule_{rule}") and job.state == state:
                    return job
            assert run.poll() is None, (self.path / "run.log").read_text()[-3000:]
            time.sleep(0.1)
        raise TimeoutError(f"no job of {rule} was {state} within {SECONDS} s")
