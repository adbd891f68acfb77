"""Run a command and write what it cost to a file descriptor; started by measure.py as a process of its own.

The kernel counts the memory of the process that forked into the peak of what it starts, up to the exec. So whoever
forks has to be smaller than anything measured: this file imports nothing that the interpreter has not loaded (9 MB).
"""

import os
import sys
import time

if __name__ == "__main__":
    os.set_inheritable(int(sys.argv[1]), False)  # what is measured must not hold it open
    start = time.perf_counter()
    child = os.fork()
    if child == 0:
        try:
            os.execvp(sys.argv[2], sys.argv[2:])
        finally:
            os._exit(127)
    _, status, usage = os.wait4(child, 0)
    wall = time.perf_counter() - start
    code = os.waitstatus_to_exitcode(status)
    line = f"{wall} {usage.ru_utime + usage.ru_stime} {usage.ru_maxrss / 1024} {code}"
    os.write(int(sys.argv[1]), line.encode())
