"""Times simulated federated rounds here and in pfl-research; scripts/compare-pfl.sh calls it.

pfl-research in two arrangements, one worker per core with a thread and one worker with a thread per core; the faster counts.
"""

import json
import os
import socket
import subprocess
import sys
import threading

import federation

MODEL, ROUNDS = "2nn", 10


def start_others(workers):
    """Starts the other workers of a job, as pfl-research documents it, unless this process is one of them. Returns threads that end
    when they end; if one fails, so does this process."""
    if workers < 2 or "PFL_WORKER_RANK" in os.environ:
        return []
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # They meet at the first address; of the others only the number counts.
    os.environ["PFL_WORKER_ADDRESSES"] = ",".join(f"127.0.0.1:{port + rank}" for rank in range(workers))
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"

    def watch(worker):
        if worker.wait():
            os._exit(1)

    threads = []
    for rank in range(1, workers):
        worker = subprocess.Popen([sys.executable, *sys.argv], env=dict(os.environ, PFL_WORKER_RANK=str(rank)))
        threads.append(threading.Thread(target=watch, args=[worker], daemon=True))
        threads[-1].start()
    os.environ["PFL_WORKER_RANK"] = "0"
    return threads


def main():
    if sys.argv[1:2] == ["--peer"]:
        job = json.loads(sys.argv[2])
        others = start_others(job["workers"])
        import pfl_peer

        pfl_peer.run(job)
        for thread in others:
            thread.join()
        return
    options = federation.arguments().parse_args()
    report = federation.begun(options, {"pfl": "pfl", "pytorch": "torch"})
    settings = federation.settings(options, MODEL, ROUNDS)
    here = federation.speeds(federation.ours(settings, options.ours))
    federation.heading("pfl-research")
    cores = report["cores"]
    for workers, threads in dict.fromkeys([(cores, 1), (1, cores)]):
        job = {"settings": settings, "workers": workers, "threads": threads}
        theirs = federation.speeds(federation.peer(job, threads))
        found = federation.row(f"`{MODEL}`, {workers} × {threads}", "pfl", here, theirs)
        report["models"].append({
            "name": MODEL, "rounds": settings["rounds"] - 1, "workers_pfl": workers, "threads_pfl": threads, **found,
        })  # fmt: skip
    best = min(report["models"], key=lambda found: found["speed_ratio"])
    for name in ("speed_ratio", "cpu_ratio", "accuracy_ours", "accuracy_pfl"):
        report[name] = best[name]
    federation.write(options, report)


if __name__ == "__main__":
    main()
