"""Whether the machine was idle enough for a figure to mean anything; as bench/peers/machine.cpp has it."""
import os, resource, time


def describe():
    cpu = "an unknown processor"
    with open("/proc/cpuinfo") as info:
        for line in info:
            if line.startswith("model name"):
                cpu = line.split(":", 1)[1].strip()
                break
    return {"cpu": cpu, "cores": os.cpu_count(), "load": os.getloadavg()[0]}


def _seconds_of_others():
    """CPU seconds that this machine has given to anybody but us and our children, the hypervisor included."""
    with open("/proc/stat") as stat:
        user, nice, system, idle, wait, interrupts, soft, stolen = map(int, stat.readline().split()[1:9])
    own = sum(getattr(resource.getrusage(who), field)
              for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN) for field in ("ru_utime", "ru_stime"))
    return (user + nice + system + interrupts + soft + stolen) / os.sysconf("SC_CLK_TCK") - own


class Bystanders:
    """Counts from here on. Children count when they have ended."""

    def __init__(self):
        self._others, self._began = _seconds_of_others(), time.monotonic()

    def cores(self):
        return max(0.0, _seconds_of_others() - self._others) / max(1e-9, time.monotonic() - self._began)
