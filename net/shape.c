/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * These are the qdiscs that libvirt creates with tc(8): HTB with one class for outgoing traffic, and a
 * policing filter for incoming traffic. Incoming packets cannot be delayed, because the kernel has received
 * them already, so the excess is dropped and the sender's TCP slows down.
 *
 * A guest hands over up to 64 KiB at a time and leaves it to the host to split it into packets. A policer
 * with a smaller burst would drop all of these, so that is the minimum burst.
 *
 * The kernel expects a burst as the time that it takes at the given rate, in units of 64 ns. Tables with the
 * time for each packet size are obsolete; the policer ignores its table, but requires one. The kernel is
 * trusted.
 */

#include "net/shape.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <string.h>

#include "net/netlink-request.h"

#define TICK                64U /* nanoseconds */
#define HTB_VERSION         3U
#define HTB_HANDLE          TC_H_MAKE(1U << 16, 0U)
#define HTB_CLASS           TC_H_MAKE(1U << 16, 1U)
#define HTB_QUANTUM         1514U /* what a class may send per turn; there is only one class */
#define EGRESS_BURST        1600U
#define INGRESS_HANDLE      TC_H_MAKE(TC_H_INGRESS, 0U)
#define INGRESS_BURST_LEAST 65536U
#define POLICE_MTU          65536U /* longer packets are dropped */
#define POLICE_CELL_LOG     9      /* for a table whose last entry is for packets of that size */

static void request_init(NetlinkRequest *q, uint16_t type, uint16_t flags, const struct tcmsg *message)
{
        netlink_request_init(q, type, flags | NLM_F_ACK, message, sizeof(*message));
}

static void add_kind(NetlinkRequest *q, uint16_t type, const char *kind)
{
        netlink_request_add(q, type, kind, strlen(kind) + 1);
}

static int do_request(int fd, NetlinkRequest *q)
{
        int r;

        r = netlink_request_do(fd, q);
        return r == -ENOENT ? -EOPNOTSUPP : r; /* the kernel's answer for an unknown kind */
}

static uint32_t clamp(uint64_t n)
{
        return n > UINT32_MAX ? UINT32_MAX : (uint32_t) n;
}

static uint32_t burst_ticks(uint64_t burst, uint64_t rate)
{
        return clamp((uint64_t) ((long double) burst * 1e9L / (long double) rate) / TICK);
}

static struct tc_ratespec rate_spec(uint64_t rate)
{
        return (struct tc_ratespec){ .linklayer = TC_LINKLAYER_ETHERNET, .rate = clamp(rate) };
}

static int delete_qdisc(int fd, unsigned index, uint32_t parent)
{
        NetlinkRequest q;
        int r;

        request_init(
                &q, RTM_DELQDISC, 0, &(struct tcmsg){ .tcm_ifindex = (int) index, .tcm_parent = parent });
        r = netlink_request_do(fd, &q);
        return r == -ENOENT || r == -EINVAL ? 0 : r; /* there is only the interface's default one */
}

int shape_clear(int fd, unsigned index)
{
        int r;

        r = delete_qdisc(fd, index, TC_H_ROOT);
        return r < 0 ? r : delete_qdisc(fd, index, TC_H_INGRESS);
}

static int add_htb(int fd, unsigned index)
{
        struct tc_htb_glob htb = { .version = HTB_VERSION,
                                   .rate2quantum = 10,
                                   .defcls = TC_H_MIN(HTB_CLASS) };
        NetlinkRequest q;
        size_t options;

        request_init(
                &q, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL,
                &(struct tcmsg){
                        .tcm_ifindex = (int) index, .tcm_parent = TC_H_ROOT, .tcm_handle = HTB_HANDLE });
        add_kind(&q, TCA_KIND, "htb");
        options = netlink_request_begin(&q, TCA_OPTIONS);
        netlink_request_add(&q, TCA_HTB_INIT, &htb, sizeof(htb));
        netlink_request_end(&q, options);
        return do_request(fd, &q);
}

static int add_class(int fd, unsigned index, const ShapeRate *rate)
{
        uint64_t burst = rate->burst ?: EGRESS_BURST, peak = rate->peak ?: rate->average;
        struct tc_htb_opt class = {
                .rate = rate_spec(rate->average),
                .ceil = rate_spec(peak),
                .buffer = burst_ticks(burst, rate->average),
                .cbuffer = burst_ticks(rate->peak ? EGRESS_BURST : burst, peak),
                .quantum = HTB_QUANTUM,
        };
        NetlinkRequest q;
        size_t options;

        request_init(
                &q, RTM_NEWTCLASS, NLM_F_CREATE | NLM_F_EXCL,
                &(struct tcmsg){
                        .tcm_ifindex = (int) index, .tcm_parent = HTB_HANDLE, .tcm_handle = HTB_CLASS });
        add_kind(&q, TCA_KIND, "htb");
        options = netlink_request_begin(&q, TCA_OPTIONS);
        netlink_request_add(&q, TCA_HTB_PARMS, &class, sizeof(class));
        if (rate->average > UINT32_MAX)
                netlink_request_add(&q, TCA_HTB_RATE64, &rate->average, sizeof(rate->average));
        if (peak > UINT32_MAX)
                netlink_request_add(&q, TCA_HTB_CEIL64, &peak, sizeof(peak));
        netlink_request_end(&q, options);
        return do_request(fd, &q);
}

/* With fq_codel, no connection delays the others; without it, the queue is first in, first out. */
static void try_fair_queue(int fd, unsigned index)
{
        NetlinkRequest q;

        request_init(
                &q, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL,
                &(struct tcmsg){ .tcm_ifindex = (int) index, .tcm_parent = HTB_CLASS });
        add_kind(&q, TCA_KIND, "fq_codel");
        (void) netlink_request_do(fd, &q);
}

int shape_egress(int fd, unsigned index, const ShapeRate *rate)
{
        int r;

        r = add_htb(fd, index);
        if (r >= 0)
                r = add_class(fd, index, rate);
        if (r >= 0)
                try_fair_queue(fd, index);
        return r;
}

static void add_police(NetlinkRequest *q, const ShapeRate *rate)
{
        static const uint32_t table[256];
        uint64_t second = rate->average < INGRESS_BURST_LEAST ? INGRESS_BURST_LEAST : rate->average,
                 burst = clamp(rate->burst ?: second);
        struct tc_police police = {
                .action = TC_POLICE_SHOT,
                .burst = burst_ticks(burst, rate->average),
                .mtu = POLICE_MTU,
                .rate = rate_spec(rate->average),
        };
        size_t actions, action, options;

        police.rate.cell_log = POLICE_CELL_LOG;
        actions = netlink_request_begin(q, TCA_MATCHALL_ACT);
        action = netlink_request_begin(q, 1); /* the first action */
        add_kind(q, TCA_ACT_KIND, "police");
        options = netlink_request_begin(q, TCA_ACT_OPTIONS);
        netlink_request_add(q, TCA_POLICE_TBF, &police, sizeof(police));
        netlink_request_add(q, TCA_POLICE_RATE, table, sizeof(table));
        if (rate->average > UINT32_MAX)
                netlink_request_add(q, TCA_POLICE_RATE64, &rate->average, sizeof(rate->average));
        netlink_request_end(q, options);
        netlink_request_end(q, action);
        netlink_request_end(q, actions);
}

int shape_ingress(int fd, unsigned index, const ShapeRate *rate)
{
        NetlinkRequest q;
        size_t options;
        int r;

        request_init(
                &q, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL,
                &(struct tcmsg){ .tcm_ifindex = (int) index,
                                 .tcm_parent = TC_H_INGRESS,
                                 .tcm_handle = INGRESS_HANDLE });
        add_kind(&q, TCA_KIND, "ingress");
        r = do_request(fd, &q);
        if (r < 0)
                return r;
        request_init(
                &q, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL,
                &(struct tcmsg){ .tcm_ifindex = (int) index,
                                 .tcm_parent = INGRESS_HANDLE,
                                 .tcm_info = TC_H_MAKE(1U << 16, htons(ETH_P_ALL)) });
        add_kind(&q, TCA_KIND, "matchall");
        options = netlink_request_begin(&q, TCA_OPTIONS);
        add_police(&q, rate);
        netlink_request_end(&q, options);
        return do_request(fd, &q);
}
