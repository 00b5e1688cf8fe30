"""A compute process that speaks the wire as badly as one can: each job's name says what it does.

With the argument `training` it plays a training where one is asked for."""

import json
import os
import signal
import sys
import threading
import time

out = sys.stdout.buffer
cancelled: set[str] = set()
jobs: list[dict] = []
condition = threading.Condition()
is_over = False


def write(data: bytes) -> None:
    out.write(data)
    out.flush()


def say(event: str, **fields) -> None:
    write(json.dumps({"event": event, **fields}).encode() + b"\n")


def read() -> None:
    global is_over
    for line in sys.stdin.buffer:
        message = json.loads(line)
        with condition:
            if "cancel" in message:
                cancelled.add(message["cancel"])
            else:
                jobs.append(message)
            condition.notify_all()
    with condition:
        is_over = True
        condition.notify_all()


def wait_for(condition_holds) -> None:
    with condition:
        condition.wait_for(condition_holds)


def perform(job: dict) -> None:
    job_id, name, options = job["id"], job["job"], job["options"]
    say("started", id=job_id)
    if name == "echo":
        say("finished", id=job_id, result={"options": options, "project": job["project"], "pid": os.getpid()})
    elif name == "environment":
        values = {key: os.environ.get(key) for key in ("PYTHONUTF8", "TF_CPP_MIN_LOG_LEVEL")}
        nice = os.nice(0) if hasattr(os, "nice") else None
        say("finished", id=job_id, result={**values, "nice": nice})
    elif name == "garbage":
        write(
            b'\xff\xfe not json\n[1, 2]\n{"no": "event"}\n{"event": 5}\n\n{"event": "progress", "id": "%s"}\n'
            % job_id.encode()
        )
        say("unheard of", id=job_id)
        say("finished", id="somebody else's", result={})
        say("finished", id=job_id, result={"survived": True})
    elif name == "partial":
        line = json.dumps({"event": "log", "id": job_id, "text": "in pieces, даже так"}, ensure_ascii=False).encode()
        for index in range(len(line)):
            write(line[index : index + 1])
        write(b"\r\n")
        joined = [
            {"event": "metric", "id": job_id, "step": step, "values": {"loss": 1 / step}} for step in range(1, 501)
        ]
        joined.append({"event": "finished", "id": job_id, "result": {"joined": 500}})
        write(b"".join(json.dumps(event).encode() + b"\n" for event in joined))
    elif name == "story":
        for done in range(5):
            say("progress", id=job_id, done=done, total=4, text=f"step {done} of 4")
            say("metric", id=job_id, step=done, values={"loss": 1.0 - done / 5})
        say("note", id=job_id, subject="a.png", text="is torn")
        say("artifact", id=job_id, path="/tmp/file")
        say("finished", id=job_id, result={"kept": "best"})
    elif name == "preflight":
        say("finished", id=job_id, result=preflight(options))
    elif name == "find-rate":
        rates = [10.0 ** (power / 2) for power in range(-12, 1)]
        curve = [{"rate": rate, "loss": abs(n - 8) / 8, "smoothed": abs(n - 8) / 8} for n, rate in enumerate(rates)]
        for step, one in enumerate(curve, 1):
            say("metric", id=job_id, step=step, values={"learning_rate": one["rate"], "loss": one["loss"]})
        found = {"suggested": 3e-4, "reason": "the loss falls fastest there", "learning_rate": 1e-3, "curve": curve}
        say("finished", id=job_id, result=found)
    elif name == "until_cancelled":
        say("progress", id=job_id, done=1, total=10, text="waiting")
        wait_for(lambda: job_id in cancelled or is_over)
        say("cancelled", id=job_id)
    elif name == "keep_best":
        say("progress", id=job_id, done=1, total=10, text="waiting")
        wait_for(lambda: job_id in cancelled or is_over)
        say("finished", id=job_id, result={"epochs": 1})
    elif name in {"deaf", "deaf_and_stubborn"}:
        if name == "deaf_and_stubborn":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        say("progress", id=job_id, done=0, total=1, text=str(os.getpid()))
        wait_for(lambda: False)
    elif name == "fail":
        say("failed", id=job_id, message="no such thing", hint="make one", traceback=None)
    elif name == "abort":
        sys.stderr.write("the last words\n")
        sys.stderr.flush()
        os.abort()
    elif name == "chatter":
        sys.stderr.write("x" * 100_000 + "\nthe very last words\n")
        sys.stderr.flush()
        os._exit(7)
    elif name == "die_after":
        say("finished", id=job_id, result={})
        os._exit(0)
    elif name == "slow":
        time.sleep(options["seconds"])
        say("finished", id=job_id, result={})


def preflight(options: dict) -> dict:
    """What a check finds: all is well, unless the seed says otherwise."""
    severity = {13: "blocks", 14: "warns"}.get(options.get("seed"))
    finding = {"kind": "empty", "severity": severity, "text": "all masks are empty", "help": "correct some"}
    batch = {"option": "batch", "value": "8 images", "reason": "usual on a CPU", "is_automatic": True}
    return {
        "ok": severity != "blocks",
        "findings": [{**finding, "samples": ["images/a.png"], "count": 1}] if severity else [],
        "decisions": [batch],
        "estimate": {"seconds": 100, "epochs": 2, "bytes": 1.2e9},
    }


def train(job: dict) -> None:
    """Three epochs of the many that were asked for, then waits for the stop."""
    job_id, options = job["id"], job["options"]
    epochs = options.get("epochs", 5)
    say("started", id=job_id)
    if options.get("seed") == 666:
        say("failed", id=job_id, message="no such thing", hint="make one", traceback=None)
        return
    for epoch, val_iou in enumerate((0.5, 0.75, 0.7), 1):
        say("progress", id=job_id, done=epoch / epochs, total=1, text=f"epoch {epoch} of {epochs} · 21 img/s")
        values = {"loss": 1 / epoch, "val_loss": 1.1 / epoch, "iou": 0.8, "val_iou": val_iou}
        say("metric", id=job_id, step=epoch, values=values)
    wait_for(lambda: job_id in cancelled or is_over)
    best = {"epoch": 2, "val_iou": 0.75, "val_loss": 0.55}
    say("finished", id=job_id, result={"run": 1, "epochs": 3, "best": best, "status": "stopped"})


def main() -> None:
    threading.Thread(target=read, daemon=True).start()
    say("ready", pid=os.getpid())
    while True:
        wait_for(lambda: jobs or is_over)
        if not jobs:
            break
        job = jobs.pop(0)
        if sys.argv[1:] == ["training"] and job["job"] == "train":
            train(job)
        else:
            perform(job)


main()
