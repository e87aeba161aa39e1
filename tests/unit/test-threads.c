/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <sched.h>

#include "launcher/run/threads.h"
#include "tests/unit/test.h"
#include "util/ownership.h"

static void test_affinity(void)
{
        static const char *const bad[] = {
                "",          "vcpu:1",    "vcpu.:1",    "vcpu.1",       "vcpu.1:",
                "vcpu.1:a",  "vcpu.1:1-", "vcpu.1:2-1", "vcpu.1:1,",    "vcpu.1:,1",
                "vcpu.1:^1", "vcpu.1: 1", "vcpu.-1:1",  "emulator.1:1", "iothread:1",
                "cpu.1:1",   "vcpu.1:1 ", "vcpu.x:1",   "emulator1:1",
        };
        ThreadRules rules = { 0 };

        CHECK_NUMBER(thread_rules_read_affinity("vcpu.3:0-2,16383", &rules), 0);
        CHECK_NUMBER(thread_rules_read_affinity("iothread.3:7", &rules), 0);
        CHECK_NUMBER(thread_rules_read_affinity("emulator:0", &rules), 0);
        CHECK_NUMBER(thread_rules_read_affinity("vcpu.3:1", &rules), -EEXIST);
        CHECK_NUMBER(thread_rules_read_affinity("emulator:1", &rules), -EEXIST);
        CHECK_NUMBER(thread_rules_read_affinity("vcpu.1:16384", &rules), -ERANGE);
        CHECK_NUMBER(thread_rules_read_affinity("vcpu.1:99999999999999999999", &rules), -ERANGE);
        for (size_t i = 0; i < ELEMENTS(bad); i++)
                CHECK_NUMBER(thread_rules_read_affinity(bad[i], &rules), -EINVAL);
        CHECK_NUMBER(rules.count, 3);
        CHECK_NUMBER(rules.items[0].kind, THREAD_VCPU);
        CHECK_NUMBER(rules.items[0].id, 3);
        CHECK_TEXT(rules.items[0].cpus, "0-2,16383");
        CHECK_NUMBER(rules.items[1].kind, THREAD_IOTHREAD);
        CHECK_NUMBER(rules.items[2].kind, THREAD_EMULATOR);

        /* where a thread runs, and how it is scheduled, are two things */
        CHECK_NUMBER(thread_rules_read_scheduler("vcpu.3:idle", &rules), 0);
        thread_rules_done(&rules);
}

static void test_scheduler(void)
{
        static const char *const bad[] = {
                "vcpu.2:deadline", "vcpu.2:", "vcpu.2:fifo:", "vcpu.2:fifox:1", "vcpu.2",
        };
        ThreadRules rules = { 0 };

        CHECK_NUMBER(thread_rules_read_scheduler("vcpu.0:fifo:99", &rules), 0);
        CHECK_NUMBER(thread_rules_read_scheduler("iothread.1:rr:1", &rules), 0);
        CHECK_NUMBER(thread_rules_read_scheduler("emulator:batch", &rules), 0);
        CHECK_NUMBER(thread_rules_read_scheduler("vcpu.1:idle:0", &rules), 0);
        CHECK_NUMBER(thread_rules_read_scheduler("vcpu.0:batch", &rules), -EEXIST);
        CHECK_NUMBER(thread_rules_read_scheduler("vcpu.2:fifo", &rules), -ERANGE);
        CHECK_NUMBER(thread_rules_read_scheduler("vcpu.2:rr:100", &rules), -ERANGE);
        CHECK_NUMBER(thread_rules_read_scheduler("vcpu.2:batch:1", &rules), -ERANGE);
        for (size_t i = 0; i < ELEMENTS(bad); i++)
                CHECK_NUMBER(thread_rules_read_scheduler(bad[i], &rules), -EINVAL);
        CHECK_NUMBER(rules.count, 4);
        CHECK_NUMBER(rules.items[0].policy, SCHED_FIFO);
        CHECK_NUMBER(rules.items[0].priority, 99);
        CHECK_NUMBER(rules.items[2].policy, SCHED_BATCH);
        CHECK(!rules.items[2].cpus);
        thread_rules_done(&rules);
}

int main(void)
{
        test_affinity();
        test_scheduler();
        return 0;
}
