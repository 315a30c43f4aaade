"""Load: many publishers, or many viewers, for measuring any live server.

    publishing   many RTMP publishers on Trio, paced, from one process
    viewing      starts the processes that view, and puts their figures together
    view_process what such a process does; its loop is `sweep`

What measures a server must not be what limits it, so both directions are built around their cost.

**Publishers** are cheap because they say the same: a tick of the stream is encoded once, and all
publishers of a *phase* get those bytes with one write each (`phases`).  That leaves about a send
per publisher and frame, and Trio carries it: its tasks sleep until a server acknowledges something.

**Viewers** do not use Trio, on purpose.  A task per viewer means that a wake, some forty
microseconds, comes before every read, and a thousand viewers at thirty frames are then more work
to watch than to serve.  One plain loop over non-blocking sockets *sweeps* them instead: it asks
the kernel to throw away what has come (`MSG_TRUNC`: counted, never copied) and to say how much that
was.  A few viewers are *parsed*: read at once, and searched for the stamps that our publishers put
into every frame (`stamps`).  They stand for all.

Whichever it was, every report says how late the generator itself was and how much of a core it
took, and that the figures speak of the generator when that was too much (`limits`).
"""
