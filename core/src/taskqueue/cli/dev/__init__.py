"""What `taskqueue dev` starts on one machine to show everything at work.

The example API (`api`, with `arrivals` and `sliding`) is a process of its own that judges the limit by what
reaches it; it imports nothing else of taskqueue but how a process ends, so that it cannot share a mistake with
the limiter. The rest may import all of taskqueue and nothing of the operator.
"""
