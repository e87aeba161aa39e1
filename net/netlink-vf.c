/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A virtual function cannot choose its own MAC address and VLAN: they are set on its physical function, in
 * that interface's list of functions, and apply with any driver of the virtual function. Trusted: the
 * kernel's answers, within the bounds that RTA_OK() checks.
 */

#include "net/netlink-vf.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <string.h>

#include "util/ownership.h"

static void read_mac(const struct rtattr *a, unsigned vf, VfSettings *settings)
{
        struct ifla_vf_mac mac;

        if (RTA_PAYLOAD(a) < sizeof(mac))
                return;
        memcpy(&mac, RTA_DATA(a), sizeof(mac));
        if (mac.vf != vf)
                return;
        memcpy(settings->mac, mac.mac, sizeof(settings->mac));
        settings->has_mac = true;
}

static void read_vlan(const struct rtattr *a, unsigned vf, VfSettings *settings)
{
        struct ifla_vf_vlan vlan;

        if (RTA_PAYLOAD(a) < sizeof(vlan))
                return;
        memcpy(&vlan, RTA_DATA(a), sizeof(vlan));
        if (vlan.vf != vf)
                return;
        settings->vlan.id = vlan.vlan;
        settings->vlan.priority = vlan.qos;
        settings->has_vlan = true;
}

/* The list repeats what IFLA_VF_VLAN says; only the protocol is new. */
static void read_vlan_list(const struct rtattr *list, unsigned vf, VfSettings *settings)
{
        int size = (int) RTA_PAYLOAD(list);

        for (const struct rtattr *a = RTA_DATA(list); RTA_OK(a, size); a = RTA_NEXT(a, size)) {
                struct ifla_vf_vlan_info info;

                if ((a->rta_type & NLA_TYPE_MASK) != IFLA_VF_VLAN_INFO || RTA_PAYLOAD(a) < sizeof(info))
                        continue;
                memcpy(&info, RTA_DATA(a), sizeof(info));
                if (info.vf == vf && info.vlan_proto)
                        settings->vlan.protocol = ntohs(info.vlan_proto);
        }
}

static void read_function(const struct rtattr *function, unsigned vf, VfSettings *settings)
{
        int size = (int) RTA_PAYLOAD(function);

        for (const struct rtattr *a = RTA_DATA(function); RTA_OK(a, size); a = RTA_NEXT(a, size))
                switch (a->rta_type & NLA_TYPE_MASK) {
                case IFLA_VF_MAC:
                        read_mac(a, vf, settings);
                        break;
                case IFLA_VF_VLAN:
                        read_vlan(a, vf, settings);
                        break;
                case IFLA_VF_VLAN_LIST:
                        read_vlan_list(a, vf, settings);
                        break;
                }
}

int netlink_vf_read(struct nlmsghdr *answer, unsigned vf, VfSettings *ret)
{
        VfSettings settings = { .vlan.protocol = ETH_P_8021Q };
        struct ifinfomsg *info = NLMSG_DATA(answer);
        int size;

        if (answer->nlmsg_len < NLMSG_LENGTH(sizeof(*info)))
                return -EBADMSG;
        size = (int) IFLA_PAYLOAD(answer);
        for (struct rtattr *a = IFLA_RTA(info); RTA_OK(a, size); a = RTA_NEXT(a, size)) {
                int functions_size = (int) RTA_PAYLOAD(a);

                if ((a->rta_type & NLA_TYPE_MASK) != IFLA_VFINFO_LIST)
                        continue;
                for (struct rtattr *f = RTA_DATA(a); RTA_OK(f, functions_size);
                     f = RTA_NEXT(f, functions_size))
                        if ((f->rta_type & NLA_TYPE_MASK) == IFLA_VF_INFO)
                                read_function(f, vf, &settings);
        }
        if (!settings.has_mac && !settings.has_vlan)
                return -ENXIO;
        *ret = settings;
        return 0;
}

int netlink_get_vf(int fd, unsigned index, unsigned vf, VfSettings *ret)
{
        _cleanup_(freep) char *answer = malloc(NETLINK_ANSWER_MAX);
        const struct ifinfomsg link = { .ifi_family = AF_UNSPEC, .ifi_index = (int) index };
        const uint32_t mask =
                RTEXT_FILTER_VF | RTEXT_FILTER_SKIP_STATS; /* the list, without its largest part */
        struct nlmsghdr *h = NULL;
        NetlinkRequest q;
        int r;

        if (!answer)
                return -ENOMEM;
        netlink_request_init(&q, RTM_GETLINK, 0, &link, sizeof(link));
        netlink_request_add(&q, IFLA_EXT_MASK, &mask, sizeof(mask));
        r = netlink_request_get(fd, &q, RTM_NEWLINK, answer, &h);
        if (r < 0)
                return r;
        return r == 1 ? netlink_vf_read(h, vf, ret) : -EBADMSG;
}

/* Drivers differ in whether they know VLAN protocols, so the list is only used for the less common one. */
static void add_vlan(NetlinkRequest *q, unsigned vf, const VfVlan *vlan)
{
        size_t list;

        if (vlan->protocol == ETH_P_8021Q) {
                const struct ifla_vf_vlan plain = { .vf = vf, .vlan = vlan->id, .qos = vlan->priority };

                netlink_request_add(q, IFLA_VF_VLAN, &plain, sizeof(plain));
                return;
        }
        list = netlink_request_begin(q, IFLA_VF_VLAN_LIST);
        netlink_request_add(
                q, IFLA_VF_VLAN_INFO,
                &(struct ifla_vf_vlan_info){ .vf = vf,
                                             .vlan = vlan->id,
                                             .qos = vlan->priority,
                                             .vlan_proto = htons(vlan->protocol) },
                sizeof(struct ifla_vf_vlan_info));
        netlink_request_end(q, list);
}

void netlink_vf_request(NetlinkRequest *q, unsigned index, unsigned vf, const VfSettings *settings)
{
        const struct ifinfomsg link = { .ifi_family = AF_UNSPEC, .ifi_index = (int) index };
        struct ifla_vf_mac mac = { .vf = vf };
        size_t list, function;

        netlink_request_init(q, RTM_SETLINK, NLM_F_ACK, &link, sizeof(link));
        list = netlink_request_begin(q, IFLA_VFINFO_LIST);
        function = netlink_request_begin(q, IFLA_VF_INFO);
        if (settings->has_mac) {
                memcpy(mac.mac, settings->mac, sizeof(settings->mac));
                netlink_request_add(q, IFLA_VF_MAC, &mac, sizeof(mac));
        }
        if (settings->has_vlan)
                add_vlan(q, vf, &settings->vlan);
        netlink_request_end(q, function);
        netlink_request_end(q, list);
}

int netlink_set_vf(int fd, unsigned index, unsigned vf, const VfSettings *settings)
{
        NetlinkRequest q;

        netlink_vf_request(&q, index, vf, settings);
        return netlink_request_do(fd, &q);
}
