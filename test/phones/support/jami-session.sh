# A D-Bus session with jami's daemon, all of it ended with this shell: its signals are lines of stdout, lines of stdin are
# calls, `OBJECT METHOD ARGS…`.
export DBUS_SESSION_BUS_ADDRESS="unix:path=$HOME/bus"
setpriv --pdeathsig KILL dbus-daemon --session --nofork --nopidfile --address="$DBUS_SESSION_BUS_ADDRESS" &
until [ -S "$HOME/bus" ]; do sleep 0.1; done
setpriv --pdeathsig KILL /usr/libexec/jamid -c >/dev/null 2>&1 &
gdbus wait --session --timeout 20 cx.ring.Ring || exit 1
setpriv --pdeathsig KILL gdbus monitor --session --dest cx.ring.Ring &
echo 'jami is ready'
while read -r object method args; do
  eval "gdbus call --session --dest cx.ring.Ring --object-path /cx/ring/Ring/$object --method cx.ring.Ring.$object.$method $args"
done
