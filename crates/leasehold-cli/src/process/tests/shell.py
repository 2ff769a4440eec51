"""A shell with job control in small: runs one job under a new terminal, typing when told.

    shell.py LOG STEP… -- COMMAND…

Steps, in order: `see TEXT` waits until the job printed TEXT; `type TEXT` types it (with \\n, \\x1a);
`stopped` waits until the shell saw the job stop and took the terminal; `fg` continues the job with
the terminal. `bare` first makes the job the leader of the session: there is no shell then.
LOG gets what the shell saw and did: `stopped N`, `continued`, `exited N` or `killed N`, and
whether the terminal was with the job's group again.
"""
import os, pty, select, signal, sys

split = sys.argv.index("--")
log_path, steps, command = sys.argv[1], sys.argv[2:split], sys.argv[split + 1:]


def log(text):
    with open(log_path, "a") as file:
        file.write(text + "\n")


def describe(status):
    if os.WIFSTOPPED(status):
        return f"stopped {os.WSTOPSIG(status)}"
    if os.WIFSIGNALED(status):
        return f"killed {os.WTERMSIG(status)}"
    return f"exited {os.WEXITSTATUS(status)}"


def shell(orders):
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    job = os.fork()
    if job == 0:
        os.setpgid(0, 0)
        os.tcsetpgrp(0, os.getpid())
        for number in (signal.SIGTTOU, signal.SIGINT, signal.SIGQUIT):
            signal.signal(number, signal.SIG_DFL)
        os.execvp(command[0], command)
    while True:
        _, status = os.waitpid(job, os.WUNTRACED)
        back = os.tcgetpgrp(0) == job
        log(describe(status) + (" with the terminal back" if back else ""))
        os.tcsetpgrp(0, os.getpgrp())
        if not os.WIFSTOPPED(status):
            os._exit(0)
        os.read(orders, 1)
        os.tcsetpgrp(0, job)
        os.killpg(job, signal.SIGCONT)
        log("continued")


bare = steps[:1] == ["bare"]
steps = steps[bare:]
orders, order = os.pipe()
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(command[0], command) if bare else shell(orders)
seen = ""


def read_on():
    global seen
    if not select.select([terminal], [], [], 30)[0]:
        sys.exit(f"nothing more after {seen!r}")
    try:
        seen += os.read(terminal, 4096).decode()
        return True
    except OSError:
        return False


def wait_for_log(text):
    for _ in range(6000):
        if os.path.exists(log_path) and text in open(log_path).read():
            return
        select.select([], [], [], 0.005)
    sys.exit(f"never {text}")


while steps:
    step = steps.pop(0)
    if step == "see":
        text = steps.pop(0)
        while text not in seen:
            if not read_on():
                sys.exit(f"ended after {seen!r}")
        seen = seen.split(text, 1)[1]
    elif step == "type":
        os.write(terminal, steps.pop(0).encode().decode("unicode_escape").encode())
    elif step == "stopped":
        wait_for_log("stopped")
    elif step == "fg":
        os.write(order, b"f")
        wait_for_log("continued")
while read_on():
    pass
_, status = os.waitpid(pid, 0)
if bare:
    log(describe(status))
