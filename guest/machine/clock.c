/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The date of a clock that runs some seconds ahead depends on when the guest starts, which is unknown during
 * conversion. So the launcher is told the seconds, and computes the date for QEMU.
 */

#include "guest/machine/clock.h"

#include <time.h>

#include "contract/options.h"
#include "guest/guest.h"
#include "guest/machine/general.h"
#include "guest/machine/os.h"
#include "guest/part.h"

static const char *const offset_words[] = { "utc", "localtime", "timezone", "variable", "absolute", NULL };
static const char *const basis_words[] = { "utc", "localtime", NULL };
static const char *const timer_words[] = {
        "platform", "pit", "rtc", "hpet", "tsc", "kvmclock", "hypervclock", "armvtimer", NULL,
};
static const char *const policy_words[] = { "delay", "catchup", "merge", "discard", NULL };
static const char *const track_words[] = { "boot", "guest", "wall", "realtime", NULL };
static const char *const track_qemu[] = { NULL, "vm", "host", "rt" };
static const char *const tsc_words[] = { "auto", "native", "emulate", "paravirt", "smpsafe", NULL };
enum { OFFSET_UTC = 1, OFFSET_LOCALTIME, OFFSET_TIMEZONE, OFFSET_VARIABLE, OFFSET_ABSOLUTE };
enum { BASIS_UTC = 1, BASIS_LOCALTIME };
enum { POLICY_DELAY = 1, POLICY_CATCHUP, POLICY_MERGE, POLICY_DISCARD };
enum { TRACK_BOOT = 1 };

#define START_MAX (UINT64_C(1) << 35) /* seconds; in the year 3058 */

static const Field clock_fields[] = {
        FIELD_OF_WORDS("@offset", Clock, offset, offset_words),
        FIELD_OF_WORDS("@basis", Clock, basis, basis_words),
        FIELD("@timezone", FIELD_TEXT, Clock, zone),
        FIELD("@adjustment", FIELD_TEXT, Clock, adjustment_text),
        FIELD_IN_RANGE("@start", Clock, start, 0, START_MAX),
        {},
};

static const Field timer_fields[] = {
        FIELD("@present", FIELD_YESNO, Timer, present),
        FIELD_OF_WORDS("@track", Timer, track, track_words),
        FIELD_OF_WORDS("@tickpolicy", Timer, tick_policy, policy_words),
        FIELD_OF_WORDS("@mode", Timer, mode, tsc_words),
        FIELD("@frequency", FIELD_NUMBER, Timer, frequency),
        FIELD_SAID("catchup", FIELD_IGNORED, NULL), /* QEMU has one way to catch up, without parameters */
        {},
};

static void read_timers(Guest *g, XmlElement *clock)
{
        XML_FOREACH(e, clock, "timer") {
                const char *name = xml_attribute(e, "name");
                int which = name ? words_find(timer_words, name) : 0;
                Timer *t = &guest_own(g, clock)->timers[which];

                if (which == 0) {
                        xml_claim_all(e);
                        guest_error(
                                g, e->place, "<timer>: name='%s' is not supported%s", name ?: "",
                                words_hint(timer_words, name ?: "").text);
                        continue;
                }
                if (t->there)
                        guest_error(g, e->place, "<timer>: duplicate '%s'", name);
                t->there = true;
                t->place = e->place;
                fields_read(e, timer_fields, t, g->findings);
        }
}

/* "reset" forgets the guest's changes to its clock when it stops. This is always so here. */
static void read_adjustment(Guest *g)
{
        Clock *c = guest_own(g, clock);
        const char *text = c->adjustment_text;
        uint64_t n;

        if (!text || streq(text, "reset"))
                return;
        if (text_to_u64(text + (*text == '-' || *text == '+'), INT32_MAX, &n) < 0) {
                guest_error(g, c->place, "<clock>: adjustment='%s' is not a number of seconds", text);
                return;
        }
        c->adjustment = *text == '-' ? -(int64_t) n : (int64_t) n;
}

static void clock_read(Guest *g)
{
        XmlElement *xml = xml_child(g->xml, "clock");
        Clock *c = guest_own(g, clock);

        c->place = xml ? xml->place : g->xml->place;
        if (!xml)
                return;
        fields_read(xml, clock_fields, c, g->findings);
        read_adjustment(g);
        read_timers(g, xml);
}

static void clock_complete(Guest *g)
{
        if (!g->clock->offset)
                guest_own(g, clock)->offset = OFFSET_UTC;
}

static void check_timers(const Guest *g)
{
        const Timer *t = g->clock->timers;
        bool x86 = os_is_x86(g->os);

        if (t[TIMER_PLATFORM].there)
                guest_error(g, t[TIMER_PLATFORM].place, "<timer>: name='platform' is not supported by QEMU");
        if (t[TIMER_RTC].track == TRACK_BOOT)
                guest_error(g, t[TIMER_RTC].place, "<timer>: track='boot' is not supported for name='rtc'");
        if (t[TIMER_RTC].tick_policy > POLICY_CATCHUP)
                guest_error(
                        g, t[TIMER_RTC].place,
                        "<timer>: tickpolicy of name='rtc' must be one of: delay, catchup");
        if (t[TIMER_PIT].tick_policy == POLICY_MERGE)
                guest_error(
                        g, t[TIMER_PIT].place,
                        "<timer>: tickpolicy='merge' is not supported for name='pit'");
        for (int i = TIMER_TSC; i <= TIMER_HYPERVCLOCK; i++)
                if (t[i].present == ON && !x86)
                        guest_error(
                                g, t[i].place, "<timer>: name='%s' requires an x86 guest",
                                timer_words[i - 1]);
        if (t[TIMER_ARMVTIMER].there && (x86 || g->general->type != ACCELERATOR_KVM))
                guest_error(
                        g, t[TIMER_ARMVTIMER].place,
                        "<timer>: name='armvtimer' requires arch='aarch64' and <domain type='kvm'>");
        if (t[TIMER_ARMVTIMER].tick_policy == POLICY_CATCHUP ||
            t[TIMER_ARMVTIMER].tick_policy == POLICY_MERGE)
                guest_error(
                        g, t[TIMER_ARMVTIMER].place,
                        "<timer>: tickpolicy of name='armvtimer' must be one of: delay, discard");
        if (t[TIMER_HPET].present == ON && !x86)
                guest_error(g, t[TIMER_HPET].place, "<timer>: name='hpet' requires an x86 guest");
}

static void clock_check(const Guest *g)
{
        const Clock *c = g->clock;

        if (c->offset == OFFSET_TIMEZONE && !c->zone)
                guest_error(g, c->place, "<clock>: offset='timezone' requires the attribute timezone");
        if (c->offset != OFFSET_TIMEZONE && c->zone)
                guest_error(g, c->place, "<clock>: timezone requires offset='timezone'");
        if (c->zone &&
            strspn(c->zone, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-/:,.<>") !=
                    strlen(c->zone))
                guest_error(g, c->place, "<clock>: timezone='%s' is not a valid time zone", c->zone);
        if (c->offset == OFFSET_ABSOLUTE && !c->start.set)
                guest_error(g, c->place, "<clock>: offset='absolute' requires the attribute start");
        if (c->offset != OFFSET_ABSOLUTE && c->start.set)
                guest_error(g, c->place, "<clock>: start requires offset='absolute'");
        if (c->offset != OFFSET_VARIABLE && c->basis)
                guest_error(g, c->place, "<clock>: basis requires offset='variable'");
        if (c->adjustment && c->offset != OFFSET_VARIABLE)
                guest_warning(g, c->place, "<clock>: ignoring adjustment, which requires offset='variable'");
        check_timers(g);
}

void clock_machine(const Guest *g, Props *machine)
{
        props_bool_if(machine, "hpet", g->clock->timers[TIMER_HPET].present);
}

void clock_cpu(const Guest *g, Props *cpu)
{
        const Timer *t = g->clock->timers;

        props_bool_if(cpu, "kvmclock", t[TIMER_KVMCLOCK].present);
        if (t[TIMER_HYPERVCLOCK].present == ON)
                props_bool(cpu, "hv-time", true);
        if (t[TIMER_TSC].frequency.value > 0)
                props_number_if(cpu, "tsc-frequency", t[TIMER_TSC].frequency);
        if (t[TIMER_ARMVTIMER].tick_policy)
                props_bool(cpu, "kvm-no-adjvtime", t[TIMER_ARMVTIMER].tick_policy == POLICY_DISCARD);
}

static const char *base_of(const Clock *c, char *buffer, size_t size)
{
        time_t start = (time_t) c->start.value;
        struct tm tm;

        switch (c->offset) {
        case OFFSET_LOCALTIME:
        case OFFSET_TIMEZONE:
                return "localtime";
        case OFFSET_VARIABLE:
                return c->basis == BASIS_LOCALTIME ? "localtime" : "utc";
        case OFFSET_ABSOLUTE:
                if (!gmtime_r(&start, &tm) || strftime(buffer, size, "%Y-%m-%dT%H:%M:%S", &tm) == 0)
                        return "utc";
                return buffer;
        default:
                return "utc";
        }
}

static void clock_build(const Guest *g, Plan *p)
{
        const Clock *c = g->clock;
        const Timer *rtc = &c->timers[TIMER_RTC], *pit = &c->timers[TIMER_PIT];
        char base[32];
        Props props = props_new("base", base_of(c, base, sizeof(base)));

        if (rtc->track)
                props_text(&props, "clock", track_qemu[rtc->track - 1]);
        if (rtc->tick_policy == POLICY_CATCHUP)
                props_text(&props, "driftfix", "slew");
        plan_list_named(p, "-rtc", &props);
        if (c->offset == OFFSET_TIMEZONE)
                plan_directive(p, "Environment", "TZ=%s", c->zone);
        if (c->offset == OFFSET_VARIABLE && c->adjustment)
                plan_run(p, "--rtc-offset=%lld", (long long) c->adjustment);
        /* KVM's own PIT catches up by default */
        if (pit->there && pit->tick_policy != POLICY_CATCHUP) {
                Props policy = props_new(
                        "kvm-pit.lost_tick_policy",
                        pit->tick_policy == POLICY_DISCARD ? "discard" : "delay");

                plan_list_named(p, "-global", &policy);
        }
}

const GuestPart part_clock = {
        GUEST_PART(Clock, clock), .read = clock_read,   .complete = clock_complete,
        .check = clock_check,     .build = clock_build,
};
