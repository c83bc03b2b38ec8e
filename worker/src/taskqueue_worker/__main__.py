from taskqueue_worker.main import run

run()
