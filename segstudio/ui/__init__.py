"""Qt lives here and nowhere else: what the person sees, and the threads that keep it smooth.

Who knows whom: `app` builds the `window`, which holds the `workspace` of the open project. That is made of panels,
views and dialogs, which do not know it, around the `canvas`, which knows none of them (import-linter checks this).
`session` is the open sample without a widget; what stands beside these rooms are the smaller parts that all share.

Who computes where; there is no other kind of thread, and whoever makes one ends it, by `close_threads` or `close`
(tests/architecture/test_rooms.py checks this):

- Qt's own thread shows, decides, and asks the index short questions. Nothing in it waits for a disk or for a job, but
  for what a person has decided and is being saved (`Background.wait`, at most some seconds).
- A `background.Background` is one thread that does things in order: a part of the window has one for each kind of work
  of its own. What follows from a piece of work happens in Qt's thread again.
- A `newest_first.NewestFirst` has a few threads for pictures that are looked at: the newest first, old ones forgotten.
- A `worker_thread.WorkerThread` for each lane of jobs owns a process; TensorFlow runs in there and never here.

Signals of the project and of documents (`core.signal`) are heard in the thread that made the change. `Session` brings
those of the project into Qt's thread, as `project_changed`: connect to that one.
"""
