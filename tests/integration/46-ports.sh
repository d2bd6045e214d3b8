# Published ports: TCP and UDP, IPv4 and IPv6, ranges, who is seen, what is printed, what can't be had.
# users: root nosubids subids
# needs: python3
# timeout: 90

BUILD=$(dirname "$CLOCHE")

probe() {
	"$BUILD/tests/netprobe" "$@"
}

free_port() {
	python3 -c "
import socket
s = socket.socket(); s.bind(('127.0.0.1', 0)); print(s.getsockname()[1])"
}

# Starts a container with netprobe in it: serve NAME COMMAND PORT OPTIONS…
serve() {
	local name=$1 command=$2 inside=$3
	shift 3
	start cloche run --rm --name "$name" -v "$BUILD/tests:/probe:ro" "$@" busybox /probe/netprobe "$command" "$inside"
	wait_for 20 grep -q ready start.out
}

test_tcp_by_both_families() {
	use_busybox
	local port
	port=$(free_port)
	serve web tcp-serve 80 -p "$port:80"
	expect_ok probe tcp-ask 127.0.0.1 "$port" hello
	expect_eq "$out" "10.0.2.2: hello"
	if [ -e /proc/net/if_inet6 ]; then
		expect_ok probe tcp-ask ::1 "$port" hello
		expect_eq "$out" "fd63:6c6f:6368:6500::2: hello"
	fi
	expect_ok cloche ps --format '{{.Ports}}'
	expect_match "$out" "^0.0.0.0:$port->80/tcp"
	[ ! -e /proc/net/if_inet6 ] || expect_eq "$out" "0.0.0.0:$port->80/tcp, [::]:$port->80/tcp"
	expect_ok cloche port web
	expect_match "$out" "^80/tcp -> 0.0.0.0:$port"
	expect_ok cloche port web 80
	expect_match "$out" "^0.0.0.0:$port"
	expect_fail 125 cloche port web 81
	expect_match "$err" "no public port '81/tcp' published for web"
}

# Who asks from another address than the loopback is seen under that.
test_the_clients_address_is_seen() {
	use_busybox
	local port address
	address=$(python3 -c "
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(('203.0.113.1', 9))
print(s.getsockname()[0])" 2>/dev/null) || skip "this machine has no way out"
	port=$(free_port)
	serve web tcp-serve 80 -p "$port:80"
	expect_ok probe tcp-ask "$address" "$port" hello
	expect_eq "$out" "$address: hello"
}

test_a_server_of_ipv4_only_answers_ipv6() {
	use_busybox
	[ -e /proc/net/if_inet6 ] || skip "the kernel has no IPv6"
	local port
	port=$(free_port)
	start cloche run --rm --name web -p "$port:80" busybox sh -c 'echo page >/tmp/index.html; httpd -f -p 10.0.2.100:80 -h /tmp'
	wait_for 20 answers 127.0.0.1
	expect_ok python3 -c "
import urllib.request
print(urllib.request.urlopen('http://[::1]:$port/').read().decode(), end='')"
	expect_eq "$out" "page"
}

answers() {
	probe tcp-ask "$1" "$port" "GET / HTTP/1.0

"
}

test_udp_both_ways() {
	use_busybox
	local port
	port=$(free_port)
	serve web udp-serve 53 -p "$port:53/udp"
	expect_ok probe udp-ask 127.0.0.1 "$port" hello
	expect_eq "$out" "10.0.2.2: hello"
	if [ -e /proc/net/if_inet6 ]; then
		expect_ok probe udp-ask ::1 "$port" hello
		expect_eq "$out" "fd63:6c6f:6368:6500::2: hello"
	fi
	# One datagram as large as they get.
	expect_ok python3 -c "
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(5)
s.sendto(b'x' * 60000, ('127.0.0.1', $port))
print(len(s.recv(65536)))"
	expect_eq "$out" 60010
	expect_ok cloche ps --format '{{.Ports}}'
	expect_match "$out" "0.0.0.0:$port->53/udp"
	expect_ok cloche port web 53/udp
	expect_match "$out" "0.0.0.0:$port"
}

test_only_on_one_address() {
	use_busybox
	local port
	port=$(free_port)
	serve web tcp-serve 80 -p "127.0.0.2:$port:80"
	expect_ok probe tcp-ask 127.0.0.2 "$port" hello
	expect_fail any probe tcp-ask 127.0.0.1 "$port" hello
	expect_ok cloche ps --format '{{.Ports}}'
	expect_eq "$out" "127.0.0.2:$port->80/tcp"
}

test_ranges_and_random_ports() {
	use_busybox
	serve web tcp-serve 8001 -p 127.0.0.1:34100-34102:8000-8002 -p 127.0.0.1::80 -p 127.0.0.1:34200-34210:81
	expect_ok probe tcp-ask 127.0.0.1 34101 hello
	expect_eq "$out" "10.0.2.2: hello"
	expect_ok cloche ps --format '{{.Ports}}'
	expect_match "$out" "127.0.0.1:34100-34102->8000-8002/tcp"
	expect_match "$out" "127.0.0.1:[0-9]+->80/tcp"
	expect_match "$out" "127.0.0.1:342[01][0-9]->81/tcp"
}

test_publish_all_takes_what_is_exposed() {
	use_busybox
	printf 'FROM busybox\nEXPOSE 80 53/udp\n' >Dockerfile
	expect_ok cloche build -t exposing .
	start cloche run --rm --name web -P --expose 90 exposing sleep 60
	wait_for 20 is_up
	expect_ok cloche port web
	expect_match "$out" "80/tcp -> 0.0.0.0:[0-9]+"
	expect_match "$out" "90/tcp -> 0.0.0.0:[0-9]+"
	expect_match "$out" "53/udp -> 0.0.0.0:[0-9]+"
	expect_ok cloche rm -f web
	start cloche run --rm --name web exposing sleep 60
	wait_for 20 is_up
	expect_ok cloche ps --format '{{.Ports}}'
	expect_eq "$out" "80/tcp, 53/udp"
}

is_up() {
	[ "$(cloche ps --format '{{.State}}')" = running ]
}

test_a_port_where_nobody_listens_is_refused() {
	use_busybox
	local port
	port=$(free_port)
	serve web tcp-serve 80 -p "127.0.0.1:$port:81"
	expect_fail any probe tcp-ask 127.0.0.1 "$port" hello
	# And the container's own can be reached all the same.
	expect_ok cloche ps -q
}

test_many_connections_at_once() {
	use_busybox
	local port
	port=$(free_port)
	serve web tcp-serve 80 -p "127.0.0.1:$port:80"
	expect_ok python3 -c "
import socket
many = [socket.create_connection(('127.0.0.1', $port)) for _ in range(60)]
for i, s in enumerate(many):
    s.sendall(b'%d' % i)
    s.shutdown(socket.SHUT_WR)
def read(s):
    data = b''
    while True:
        more = s.recv(4096)
        if not more: return data
        data += more
print(sum(read(s) == b'10.0.2.2: %d' % i for i, s in enumerate(many)))"
	expect_eq "$out" 60
}

# More than all buffers hold waits for a reader that comes late.
test_a_large_transfer_by_a_late_reader() {
	use_busybox
	local port
	port=$(free_port)
	serve web load-serve 80 -p "127.0.0.1:$port:80"
	expect_ok python3 -c "
import select, socket, struct
s = socket.create_connection(('127.0.0.1', $port))
s.sendall(struct.pack('=QQ', 1, 48 << 20))
other = socket.create_connection(('127.0.0.1', $port))
select.select([], [], [], 0.5)
total = 0
while True:
    n = len(s.recv(1 << 20))
    if not n: break
    total += n
print(total >> 20)"
	expect_eq "$out" 48
}

test_a_port_that_is_taken_names_its_holder() {
	use_busybox
	start python3 -c "
import socket, time
s = socket.socket(); s.bind(('0.0.0.0', 0)); s.listen()
open('$T/port', 'w').write(str(s.getsockname()[1]) + '\n')
time.sleep(60)"
	wait_for 10 grep -q . port
	local port
	port=$(cat port)
	expect_fail 125 cloche run --rm -p "$port:80" busybox true
	expect_match "$err" "publish port 80/tcp on 0.0.0.0:$port: Address already in use"
	expect_match "$err" "hint: python3 \(process $pid\) has it"
	# Nothing is left of it.
	expect_ok cloche ps -aq
	expect_eq "$out" ""
}

test_low_ports() {
	use_busybox
	if [ "$KIND" = root ]; then
		serve web tcp-serve 80 -p 127.0.0.9:81:80
		expect_ok probe tcp-ask 127.0.0.9 81 hello
	elif [ "$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)" -gt 81 ]; then
		expect_fail 125 cloche run --rm -p 127.0.0.9:81:80 busybox true
		expect_match "$err" "Permission denied"
		expect_match "$err" "ip_unprivileged_port_start=81"
	fi
}

test_words_that_mean_nothing() {
	use_busybox
	local word
	for word in "" x 80:x 0 70000 80:70000 1:2:3:4 80-70:80-70 80-82:80-81 nohost:80:80 ::1:80:80 80/sctp 80/x; do
		expect_fail 125 cloche run --rm -p "$word" busybox true
		expect_match "$err" "publish|public"
	done
	expect_fail 125 cloche run --rm -p 192.0.2.200:8080:80 busybox true
	expect_match "$err" "no interface of this machine"
}

answers_hello() {
	timeout 10 "$BUILD/tests/netprobe" tcp-ask 127.0.0.1 "$port" hello 2>/dev/null | grep -qx '10.0.2.2: hello'
}

is_free() {
	python3 -c "
import socket
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(('127.0.0.1', $port))"
}

test_a_detached_containers_port_from_life_to_life() {
	use_busybox
	local port
	port=$(free_port)
	expect_ok cloche run -d --name web -v "$BUILD/tests:/probe:ro" -p "127.0.0.1:$port:80" busybox /probe/netprobe tcp-serve 80
	wait_for 20 answers_hello
	expect_ok cloche port web
	expect_eq "$out" "80/tcp -> 127.0.0.1:$port"
	expect_fail 125 cloche run --rm -p "127.0.0.1:$port:80" busybox true
	expect_match "$err" "publish port 80/tcp on 127.0.0.1:$port: Address already in use"
	expect_ok cloche stop -t 0 web
	wait_for 10 is_free
	expect_ok cloche start web
	wait_for 20 answers_hello
	expect_ok cloche restart -t 0 web
	wait_for 20 answers_hello
	expect_ok cloche rm -f web
	wait_for 10 is_free
	expect_fail any probe tcp-ask 127.0.0.1 "$port" hello
	expect_eq "$(ls "$T/runroot/files")" ""
}

# Also a port that was chosen for it: the same in each life is not promised, but what is said is true.
test_a_random_port_is_said_truly_in_each_life() {
	use_busybox
	local port
	expect_ok cloche run -d --name web -v "$BUILD/tests:/probe:ro" -p 127.0.0.1::80 busybox /probe/netprobe tcp-serve 80
	port=$(cloche port web 80)
	port=${port##*:}
	wait_for 20 answers_hello
	expect_ok cloche stop -t 0 web
	expect_ok cloche start web
	port=$(cloche port web 80)
	port=${port##*:}
	wait_for 20 answers_hello
	expect_ok cloche rm -f web
}
