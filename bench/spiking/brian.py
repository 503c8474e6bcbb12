"""The recurrent network as Brian2 runs it fastest: C++ standalone, one thread, its own default flags (-O3 -ffast-math
-march=native). Neurons also count their spikes, in the reset, which costs next to nothing."""
import hashlib, json, subprocess, time, warnings
from pathlib import Path

import numpy as np

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of numpy's age, not ours
    import brian2 as b2


class Standalone:
    """Built in `folder`, or found there as it was built for the same network."""

    def __init__(self, arrays, network, folder):
        self.version, self.whole_ms, self._folder = b2.__version__, [], Path(folder)
        self._neurons, self._seconds = network["neurons"], network["steps"] * network["dt"]
        made_for = json.dumps([self.version, hashlib.sha256(Path(arrays).read_bytes()).hexdigest(),
                               {key: network[key] for key in ("dt", "tau", "drive", "steps", "delay_steps", "gain")}])
        stamp = self._folder / "made_for.json"
        if not stamp.exists() or stamp.read_text() != made_for:
            self._build(np.load(arrays), network)
            stamp.write_text(made_for)

    def _build(self, data, network):
        b2.set_device("cpp_standalone", directory=str(self._folder), build_on_run=False)
        b2.prefs.devices.cpp_standalone.openmp_threads = 0
        b2.defaultclock.dt = network["dt"] * b2.second
        group = b2.NeuronGroup(network["neurons"], "dv/dt = (drive - v) / tau : 1\nn : 1", threshold="v > 1",
                               reset="v = 0; n += 1", method="exact",
                               namespace={"drive": network["drive"], "tau": network["tau"] * b2.second})
        group.v = data["v0"]
        synapses = b2.Synapses(group, group, "w : 1", on_pre="v_post += w",
                               delay=network["delay_steps"] * network["dt"] * b2.second)
        synapses.connect(i=data["source"].astype(int), j=data["target"].astype(int))
        synapses.w = data["weight"].astype(float) * network["gain"]
        b2.Network(group, synapses).run(self._seconds * b2.second)
        b2.device.build(directory=str(self._folder), compile=True, run=False, with_output=False)

    def run(self):
        """Milliseconds of the run loop for a simulated second, as Brian reports them."""
        began = time.monotonic()
        subprocess.run(["./main"], cwd=self._folder, check=True, capture_output=True, text=True)
        self.whole_ms.append((time.monotonic() - began) * 1e3)
        took, _ = (self._folder / "results" / "last_run_info.txt").read_text().split()
        return float(took) * 1e3 / self._seconds

    def rate_hz(self):
        counts, = (self._folder / "results").glob("_array_neurongroup_n_*")
        return float(np.fromfile(counts).sum()) / self._neurons / self._seconds
