# The private network: the way out, name service, what is kept apart, the helper's life.
# users: root nosubids subids
# needs: python3
# timeout: 90

run() {
	cloche run --rm "$@"
}

# Starts a Python server on the host: serve NAME TYPE FAMILY ADDRESS CODE, which has the bound socket `s`. Sets $port.
serve() {
	local file=$T/$1.port
	start python3 -c "
import os, socket
s = socket.socket(socket.$3, socket.$2)
s.bind(('$4', 0))
if s.type == socket.SOCK_STREAM: s.listen(8)
open('$file.new', 'w').write(str(s.getsockname()[1]))
os.rename('$file.new', '$file')
$5
"
	wait_for 10 test -s "$file"
	port=$(cat "$file")
}

# Serves one page for ever on an address of the host.
serve_page() {
	serve page SOCK_STREAM AF_INET "$1" "
while True:
    c, _ = s.accept()
    c.recv(1000)
    c.sendall(b'HTTP/1.0 200 OK\r\n\r\nfrom the host\n')
    c.close()"
}

# A name server for which every name is 192.0.2.LAST: serve_names LAST [FAMILY ADDRESS].
serve_names() {
	serve "names$1" SOCK_DGRAM "${2:-AF_INET}" "${3:-127.0.0.1}" "
while True:
    q, peer = s.recvfrom(512)
    end = 12
    while q[end]: end += q[end] + 1
    is_a = q[end + 1:end + 3] == b'\0\1'
    head = q[:2] + b'\x81\x80\0\1\0' + (b'\1' if is_a else b'\0') + b'\0\0\0\0'
    answer = b'\xc0\x0c\0\1\0\1\0\0\0\0\0\4' + bytes([192, 0, 2, $1]) if is_a else b''
    s.sendto(head + q[12:end + 5] + answer, peer)"
}

# The same by TCP, for one question.
serve_names_by_tcp() {
	serve "names$1" SOCK_STREAM AF_INET 127.0.0.1 "
import struct
while True:
    c, _ = s.accept()
    n = struct.unpack('>H', c.recv(2))[0]
    q = c.recv(n)
    c.sendall(struct.pack('>H', n) + q[:2] + b'\x81\x80' + q[4:])
    c.close()"
}

# The host's own address towards the world, if it has one.
own_address() {
	python3 -c "
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(('203.0.113.1', 9))
print(s.getsockname()[0])" 2>/dev/null
}

# Runs a container that waits, called NAME; further words are options.
keep_running() {
	local name=$1
	shift
	start cloche run --rm --name "$name" "$@" busybox sleep 60
	wait_for 20 is_up "$name"
}

is_up() {
	[ "$(cloche ps --filter "name=$1" --format '{{.State}}')" = running ]
}

test_interface_addresses_and_routes() {
	use_busybox
	expect_ok run busybox sh -c 'ip -o addr show dev eth0; ip route; ip -6 route; cat /sys/class/net/eth0/mtu /sys/class/net/eth0/address'
	expect_match "$out" "inet 10.0.2.100/24"
	expect_match "$out" "default via 10.0.2.2 dev eth0"
	expect_match "$out" "65520"
	expect_match "$out" "02:42:0a:00:02:64"
	if [ -e /proc/sys/net/ipv6 ]; then
		expect_match "$out" "fd63:6c6f:6368:6500::100/64"
		expect_match "$out" "default via fd63:6c6f:6368:6500::2"
	fi
	expect_eq "$err" ""
	expect_ok run --ip 10.0.2.7 --mac-address 02:00:00:00:00:07 --network private:mtu=1400 busybox sh -c 'ip -o addr show dev eth0; cat /sys/class/net/eth0/mtu /sys/class/net/eth0/address'
	expect_match "$out" "inet 10.0.2.7/24"
	expect_match "$out" "1400"
	expect_match "$out" "02:00:00:00:00:07"
}

test_words_of_others_are_known() {
	use_busybox
	local word
	for word in bridge default slirp4netns slirp nat; do
		expect_ok run --network $word busybox ls /sys/class/net
		expect_match "$out" eth0
	done
}

test_what_makes_no_sense_is_refused() {
	use_busybox
	expect_fail 125 run --network mine busybox true
	expect_match "$err" "there is no such network"
	expect_fail 125 run --network private:mtu=7 busybox true
	expect_match "$err" "mtu: a number from"
	expect_fail 125 run --network private:what busybox true
	expect_match "$err" "hint:.*host-loopback"
	expect_fail 125 run --ip 10.0.2.2 busybox true
	expect_match "$err" "gateway"
	expect_fail 125 run --ip 192.168.1.1 busybox true
	expect_fail 125 run --mac-address 03:00:00:00:00:01 busybox true
	expect_fail 125 run --network host -p 80:80 busybox true
	expect_match "$err" "the host's already"
	expect_fail 125 run --network none --ip 10.0.2.9 busybox true
}

test_hosts_and_resolv_conf() {
	use_busybox
	printf 'nameserver 192.0.2.99\nsearch one.test two.test\noptions ndots:3\n' >resolv
	expect_ok env CLOCHE_RESOLV_CONF="$T/resolv" cloche run --rm --hostname bell busybox cat /etc/hosts /etc/resolv.conf /etc/hostname
	expect_match "$out" $'\n10.0.2.100\tbell\n'
	expect_match "$out" $'\nnameserver 10.0.2.3\n'
	expect_no_match "$out" "192.0.2.99"
	expect_match "$out" $'\nsearch one.test two.test\n'
	expect_match "$out" $'\noptions ndots:3\n'
	expect_no_match "$out" "host.containers.internal"
	expect_ok run --dns 192.0.2.1 --dns-search own.test --dns-option timeout:1 busybox cat /etc/resolv.conf
	expect_match "$out" "nameserver 192.0.2.1"
	expect_no_match "$out" "10.0.2.3"
	expect_match "$out" "search own.test"
	expect_match "$out" "options timeout:1"
}

test_the_hosts_loopback_is_out_of_reach() {
	use_busybox
	serve_page 127.0.0.1
	local address
	for address in 10.0.2.2 127.0.0.1 127.1.2.3 0.0.0.0 10.0.2.77 "[::ffff:127.0.0.1]" "[fd63:6c6f:6368:6500::2]"; do
		capture run busybox timeout 2 wget -q -O- "http://$address:$port/"
		[ "$status" != 0 ] || fail "$address leads to the host's loopback"
		expect_no_match "$out" "from the host"
	done
}

# The kernel keeps 127/8 from leaving the container; what a raw socket sends there must not come out either.
test_frames_to_the_hosts_loopback_are_dropped() {
	use_busybox
	serve heard SOCK_DGRAM AF_INET 127.0.0.1 "
s.settimeout(20)
print(s.recvfrom(100), flush=True)"
	expect_ok run --cap-add NET_ADMIN --network private:host-loopback busybox sh -c "
		ip route del local 127.0.0.0/8 table local 2>/dev/null; ip addr del 127.0.0.1/8 dev lo
		ip route add 127.0.0.0/8 via 10.0.2.2; timeout 2 nslookup x 127.0.0.1:$port || :"
	expect_eq "$(cat start.out)" ""
}

test_host_loopback_when_asked() {
	use_busybox
	serve_page 127.0.0.1
	expect_ok run --network private:host-loopback busybox timeout 20 wget -q -O- "http://10.0.2.2:$port/"
	expect_eq "$out" "from the host"
	expect_ok run --network private:host-loopback busybox timeout 20 wget -q -O- "http://host.containers.internal:$port/"
	expect_eq "$out" "from the host"
	expect_ok run --network private:host-loopback --add-host me:host-gateway busybox timeout 20 wget -q -O- "http://me:$port/"
	expect_eq "$out" "from the host"
}

test_host_gateway_is_an_address_of_the_host() {
	use_busybox
	local address
	address=$(own_address) || skip "this machine has no way out"
	serve_page "$address"
	expect_ok run --add-host me:host-gateway busybox timeout 20 wget -q -O- "http://me:$port/"
	expect_eq "$out" "from the host"
}

test_a_refused_connection_ends_at_once() {
	use_busybox
	expect_ok run --network private:host-loopback busybox sh -c 'a=$(date +%s); timeout 30 wget -q -O- http://10.0.2.2:1/; b=$(date +%s); test $((b - a)) -lt 15'
}

test_large_transfers_arrive_whole() {
	use_busybox
	serve blob SOCK_STREAM AF_INET 127.0.0.1 "
c, _ = s.accept()
c.recv(1000)
c.sendall(b'HTTP/1.0 200 OK\r\n\r\n')
for i in range(320): c.sendall(bytes([i % 251]) * 65536)
c.close()"
	expect_ok run --network private:host-loopback busybox sh -c "timeout 20 wget -q -O- http://10.0.2.2:$port/ | md5sum"
	expect_match "$out" "$(python3 -c "
import hashlib
print(hashlib.md5(b''.join(bytes([i % 251]) * 65536 for i in range(320))).hexdigest())")"
}

# Asks the container that reads names from ./names and says "end of NAME".
ask() {
	echo "$1" >&7
	wait_for 20 grep -q "end of $1" "$T/answers"
}

# The helper looks at the file again when a question comes a second after its last look.
learns_the_new_server() {
	ask "again$((++asked)).test"
	grep -q '192\.0\.2\.2' "$T/answers"
}

test_name_service_follows_the_hosts_resolv_conf() {
	use_busybox
	serve_names 1
	echo "nameserver [127.0.0.1]:$port" >resolv
	mkfifo names
	exec 7<>names
	start env CLOCHE_RESOLV_CONF="$T/resolv" sh -c 'exec cloche run --rm -i busybox sh -c "
		while read -r name; do nslookup -type=a \$name 2>&1; echo end of \$name; done" <names >answers'
	ask first.test
	expect_match "$(cat answers)" "192\.0\.2\.1"
	serve_names 2
	echo "nameserver [127.0.0.1]:$port" >resolv.new
	mv resolv.new resolv
	asked=0
	wait_for 10 learns_the_new_server
}

test_name_service_asks_the_next_server() {
	use_busybox
	serve_names 3
	# Nobody is at the first; the second one answers.
	printf 'nameserver [127.0.0.1]:1\nnameserver [127.0.0.1]:%s\n' "$port" >resolv
	expect_ok env CLOCHE_RESOLV_CONF="$T/resolv" cloche run --rm busybox nslookup -type=a some.test
	expect_match "$out" "192\.0\.2\.3"
}

test_name_service_by_ipv6_only() {
	use_busybox
	[ -e /proc/sys/net/ipv6 ] || skip "the kernel has no IPv6"
	serve_names 4 AF_INET6 ::1
	echo "nameserver [::1]:$port" >resolv
	expect_ok env CLOCHE_RESOLV_CONF="$T/resolv" cloche run --rm busybox nslookup -type=a some.test
	expect_match "$out" "192\.0\.2\.4"
}

test_name_service_by_tcp() {
	use_busybox
	serve_names_by_tcp 5
	echo "nameserver [127.0.0.1]:$port" >resolv
	# A question of 12 + 17 bytes: its answer has the same number and the bit that says so.
	expect_ok env CLOCHE_RESOLV_CONF="$T/resolv" cloche run --rm busybox sh -c '
		printf "\0\035\022\064\001\000\000\001\000\000\000\000\000\000\004some\004test\000\000\001\000\001" | nc -w 5 10.0.2.3 53 | od -An -tx1'
	expect_match "$out" "00 1d"
	expect_match "$out" "12 34 81 80"
}

test_the_helper_ends_with_the_container() {
	use_busybox
	keep_running web
	local helper
	helper=$(pgrep -P "$pid" -x net | head -1)
	[ -n "$helper" ] || fail "no helper"
	expect_ok cloche rm -f web
	wait_for 10 test ! -e "/proc/$helper/fd/0"
	expect_no_file "$T/runroot/files/"*
}

test_a_killed_helper_leaves_the_container_and_says_so() {
	use_busybox
	keep_running web -p 0:80
	expect_ok cloche port web
	expect_match "$out" "80/tcp -> 0.0.0.0:[0-9]+"
	kill -KILL "$(pgrep -P "$pid" -x net | head -1)"
	wait_for 10 lost
	expect_ok cloche ps --format '{{.State}} {{.Ports}}'
	expect_eq "$out" "running "
	expect_fail 125 cloche port web
	expect_match "$err" "helper .*has ended"
	expect_ok cloche inspect --format '{{.NetworkSettings.Lost}} {{.NetworkSettings.IPAddress}}' web
	expect_eq "$out" "true "
	expect_ok cloche rm -f web
}

lost() {
	cloche ps --format '{{.Status}}' | grep -q "network lost"
}

test_a_killed_command_takes_all_with_it() {
	use_busybox
	keep_running web
	local helper
	helper=$(pgrep -P "$pid" -x net | head -1)
	kill -KILL "$pid"
	wait_for 10 test ! -e "/proc/$helper/fd/0"
}

test_inspect_says_what_there_is() {
	use_busybox
	keep_running web --expose 443 -p 127.0.0.1:0:80
	expect_ok cloche inspect --format '{{.HostConfig.NetworkMode}} {{.NetworkSettings.IPAddress}} {{.NetworkSettings.Gateway}} {{.NetworkSettings.MacAddress}}' web
	expect_eq "$out" "private 10.0.2.100 10.0.2.2 02:42:0a:00:02:64"
	expect_ok cloche inspect --format '{{json .NetworkSettings.Ports}}' web
	expect_match "$out" '"443/tcp": ?null'
	expect_match "$out" '"80/tcp": ?\[\{"HostIp": ?"127.0.0.1", ?"HostPort": ?"[0-9]+"\}\]'
	expect_ok cloche rm -f web
}

test_another_container_shares_it() {
	use_busybox
	keep_running web
	expect_ok run --network container:web busybox sh -c 'ip -o addr show dev eth0; cat /etc/resolv.conf'
	expect_match "$out" "10.0.2.100"
	expect_match "$out" "nameserver 10.0.2.3"
	expect_ok cloche rm -f web
}

test_twenty_at_once() {
	use_busybox
	local i pids=()
	for i in $(seq 20); do
		cloche run --rm busybox sh -c 'ip -o -4 addr show dev eth0 | grep -q 10.0.2.100 && exit 9' 2>>"$T/errors" &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		finish "$i"
		[ "$status" = 9 ] || { cat "$T/errors"; fail "exit status $status"; }
	done
	expect_ok cloche ps -aq
	expect_eq "$out" ""
}

test_build_has_a_private_network() {
	use_busybox
	printf 'FROM busybox\nRUN ip -o addr show dev eth0 && cat /etc/resolv.conf\nRUN --network=none ls /sys/class/net\n' >Dockerfile
	expect_ok cloche build --progress plain .
	expect_match "$err$out" "10.0.2.100"
	expect_match "$err$out" "nameserver 10.0.2.3"
	printf 'FROM busybox\nRUN ls /sys/class/net | tr "\\n" " "\n' >Dockerfile
	expect_ok cloche build --progress plain --network none .
	expect_no_match "$err$out" "eth0"
}

# No tap, and the only namespace of networks that there may be is the container's: no far end for a pair either.
without_link() {
	unshare --user --map-root-user --mount sh -c '
		[ ! -e /dev/net/tun ] || mount --bind /dev/null /dev/net/tun
		echo 1 >/proc/sys/user/max_net_namespaces
		exec "$@"' sh cloche "$@"
}

test_a_link_that_cannot_be_made_is_explained() {
	use_busybox
	local how
	unshare --user --map-root-user --mount true 2>/dev/null || skip "no user namespaces"
	for how in --rm -d; do
		expect_fail 125 without_link run $how busybox true
		expect_eq "$out" ""
		expect_match "$err" "network: /dev/net/tun: .*; instead of it: make a namespace for the outer end: No space left"
		expect_match "$err" "hint: let everybody open /dev/net/tun .*--network host"
	done
	expect_ok without_link run --rm --network none busybox echo fine
	expect_eq "$out" fine
	expect_eq "$(ls "$T/runroot/files")" ""
}

# Scripts take what a command says through a pipe, and wait for its end: a container that lives on must not hold it.
test_what_lives_on_holds_no_stream_of_the_command() {
	use_busybox
	local said
	said=$(timeout 20 cloche run -d --name web --health-cmd true -p 127.0.0.1:0:80 busybox sleep 1000 2>&1) || fail "run -d: $? $said"
	said=$(timeout 20 cloche restart -t 0 web 2>&1) || fail "restart: $? $said"
	said=$(timeout 20 cloche stop -t 0 web 2>&1) || fail "stop: $? $said"
	said=$(timeout 20 cloche start web 2>&1) || fail "start: $? $said"
	said=$(timeout 20 cloche exec -d web sleep 1000 2>&1) || fail "exec -d: $? $said"
	expect_eq "$said" ""
	expect_ok cloche rm -f web
}
