/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <sys/socket.h>

#include "net/netlink-request.h"
#include "net/netlink-vf.h"
#include "net/netlink.h"
#include "tests/unit/test.h"
#include "util/ownership.h"

/* Asks the kernel for an interface, and leaves its answer where the next one comes. */
static void leave_answer(int fd, int index, uint16_t flags)
{
        struct ifinfomsg link = { .ifi_index = index };
        NetlinkRequest q;

        netlink_request_init(&q, RTM_GETLINK, flags, &link, sizeof(link));
        CHECK(send(fd, q.bytes, q.header.nlmsg_len, 0) == (ssize_t) q.header.nlmsg_len);
}

static int count(struct nlmsghdr *answer, void *data)
{
        ++*(unsigned *) data;
        return 0;
}

/* What is left of a request that failed in between is not the next one's answer. */
static void test_left_behind(void)
{
        _cleanup_(closep) int fd = -EBADF;
        struct ifinfomsg all = { 0 };
        unsigned n = 0;
        NetlinkRequest q;
        Link found;

        CHECK_NUMBER(netlink_open(&fd), 0);
        leave_answer(fd, INT32_MAX, 0); /* "No such device" */
        CHECK_NUMBER(netlink_find(fd, "lo", &found), 0);
        CHECK_TEXT(found.name, "lo");

        leave_answer(fd, (int) found.index, 0);
        CHECK_NUMBER(netlink_find(fd, "no-such", &found), -ENODEV);

        leave_answer(fd, INT32_MAX, 0);
        netlink_request_init(&q, RTM_GETLINK, NLM_F_DUMP, &all, sizeof(all));
        CHECK_NUMBER(netlink_request_list(fd, &q, RTM_NEWLINK, count, &n), 0);
        CHECK(n > 0);

        leave_answer(fd, 0, NLM_F_DUMP);
        CHECK_NUMBER(netlink_find(fd, "no-such", &found), -ENODEV);
}

/* The bytes of "ip link set dev IFINDEX4 vf 2 mac 52:54:00:aa:bb:cc vlan 42 qos 5", as iproute2 sends them.
 */
static void test_vf_request(void)
{
        static const VfSettings settings = {
                .has_mac = true,
                .has_vlan = true,
                .mac = { 0x52, 0x54, 0x00, 0xaa, 0xbb, 0xcc },
                .vlan = { .id = 42, .priority = 5, .protocol = ETH_P_8021Q },
        };
        const struct ifinfomsg *info;
        const struct rtattr *list, *function, *mac, *vlan;
        struct ifla_vf_vlan v;
        struct ifla_vf_mac m;
        NetlinkRequest q;

        netlink_vf_request(&q, 4, 2, &settings);
        CHECK(!q.overflown);
        CHECK_NUMBER(q.header.nlmsg_type, RTM_SETLINK);
        CHECK_NUMBER(q.header.nlmsg_flags, NLM_F_REQUEST | NLM_F_ACK);
        info = NLMSG_DATA(&q.header);
        CHECK_NUMBER(info->ifi_index, 4);
        list = IFLA_RTA(info);
        CHECK_NUMBER(list->rta_type, IFLA_VFINFO_LIST);
        CHECK_NUMBER((const char *) list + list->rta_len - q.bytes, q.header.nlmsg_len);
        function = RTA_DATA(list);
        CHECK_NUMBER(function->rta_type, IFLA_VF_INFO);
        CHECK_NUMBER(function->rta_len, RTA_PAYLOAD(list));
        mac = RTA_DATA(function);
        CHECK_NUMBER(mac->rta_type, IFLA_VF_MAC);
        CHECK_NUMBER(RTA_PAYLOAD(mac), sizeof(m));
        memcpy(&m, RTA_DATA(mac), sizeof(m));
        CHECK_NUMBER(m.vf, 2);
        CHECK(memcmp(m.mac, settings.mac, 6) == 0);
        vlan = (const struct rtattr *) ((const char *) mac + RTA_ALIGN(mac->rta_len));
        CHECK_NUMBER(vlan->rta_type, IFLA_VF_VLAN);
        CHECK_NUMBER(RTA_PAYLOAD(vlan), sizeof(v));
        memcpy(&v, RTA_DATA(vlan), sizeof(v));
        CHECK(v.vf == 2 && v.vlan == 42 && v.qos == 5);
        CHECK_NUMBER((const char *) vlan + RTA_ALIGN(vlan->rta_len) - q.bytes, q.header.nlmsg_len);
}

/* What is not to be changed is not mentioned. */
static void test_vf_request_part(void)
{
        const struct rtattr *list, *function, *first;
        NetlinkRequest q;

        netlink_vf_request(&q, 4, 0, &(VfSettings){ .has_vlan = true, .vlan.protocol = ETH_P_8021Q });
        list = IFLA_RTA((struct ifinfomsg *) NLMSG_DATA(&q.header));
        function = RTA_DATA(list);
        first = RTA_DATA(function);
        CHECK_NUMBER(first->rta_type, IFLA_VF_VLAN);
        CHECK_NUMBER(RTA_PAYLOAD(function), RTA_ALIGN(first->rta_len));
}

/* The kernel's answer has the form of the request; it lists all functions. */
static void add_function(NetlinkRequest *q, unsigned vf, uint8_t last, unsigned vlan, uint16_t protocol)
{
        size_t function = netlink_request_begin(q, IFLA_VF_INFO), list;

        netlink_request_add(
                q, IFLA_VF_MAC, &(struct ifla_vf_mac){ .vf = vf, .mac = { 2, 0, 0, 0, 0, last } },
                sizeof(struct ifla_vf_mac));
        netlink_request_add(
                q, IFLA_VF_VLAN, &(struct ifla_vf_vlan){ .vf = vf, .vlan = vlan, .qos = 3 },
                sizeof(struct ifla_vf_vlan));
        list = netlink_request_begin(q, IFLA_VF_VLAN_LIST);
        netlink_request_add(
                q, IFLA_VF_VLAN_INFO,
                &(struct ifla_vf_vlan_info){
                        .vf = vf, .vlan = vlan, .qos = 3, .vlan_proto = __builtin_bswap16(protocol) },
                sizeof(struct ifla_vf_vlan_info));
        netlink_request_end(q, list);
        netlink_request_end(q, function);
}

static void test_vf_read(void)
{
        struct ifinfomsg link = { .ifi_index = 4 };
        NetlinkRequest q, again;
        VfSettings settings;
        size_t list;

        netlink_request_init(&q, RTM_NEWLINK, 0, &link, sizeof(link));
        netlink_request_add(&q, IFLA_IFNAME, "eth0", 5);
        CHECK_NUMBER(netlink_vf_read(&q.header, 0, &settings), -ENXIO);
        list = netlink_request_begin(&q, IFLA_VFINFO_LIST);
        add_function(&q, 0, 0x10, 0, ETH_P_8021Q);
        add_function(&q, 1, 0x11, 7, ETH_P_8021AD);
        netlink_request_end(&q, list);

        CHECK_NUMBER(netlink_vf_read(&q.header, 0, &settings), 0);
        CHECK(settings.has_mac && settings.has_vlan);
        CHECK_NUMBER(settings.mac[5], 0x10);
        CHECK_NUMBER(settings.vlan.id, 0);
        CHECK_NUMBER(settings.vlan.protocol, ETH_P_8021Q);
        CHECK_NUMBER(netlink_vf_read(&q.header, 1, &settings), 0);
        CHECK_NUMBER(settings.mac[5], 0x11);
        CHECK(settings.vlan.id == 7 && settings.vlan.priority == 3);
        CHECK_NUMBER(settings.vlan.protocol, ETH_P_8021AD);
        CHECK_NUMBER(netlink_vf_read(&q.header, 2, &settings), -ENXIO);

        /* what was read, set again, reads the same */
        CHECK_NUMBER(netlink_vf_read(&q.header, 1, &settings), 0);
        netlink_vf_request(&again, 4, 1, &settings);
        CHECK_NUMBER(netlink_vf_read(&again.header, 1, &settings), 0);
        CHECK_NUMBER(settings.vlan.protocol, ETH_P_8021AD);

        /* cut off anywhere, nothing beyond the end is read */
        for (uint32_t n = NLMSG_LENGTH(0); n < q.header.nlmsg_len; n++) {
                _cleanup_(freep) char *copy = malloc(n);

                memcpy(copy, q.bytes, n);
                ((struct nlmsghdr *) copy)->nlmsg_len = n;
                (void) netlink_vf_read((struct nlmsghdr *) copy, 1, &settings);
        }
}

int main(void)
{
        test_left_behind();
        test_vf_request();
        test_vf_request_part();
        test_vf_read();
        return 0;
}
