/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The command lines of vm-launcher: all that a guest needs of the host, as typed arguments. They are made
 * here and nowhere else, in both scopes.
 */

#include "generator/unit/commands.h"

#include <errno.h>

#include "contract/exit.h"
#include "contract/words.h"
#include "guest/machine/general.h"
#include "guest/plan/plan.h"

#define REFUSED_FINDINGS_MAX 20   /* findings that a refusing drop-in repeats */
#define REFUSED_FINDING_MAX  2000 /* bytes of each: it may quote the XML */

static int add_tap(Strings *argv, const TapRequest *tap)
{
        _cleanup_(freep) char *text = tap_request_write(tap);

        return text ? strings_addf(argv, "--tap=%s", text) : -ENOMEM;
}

static int add_preparation(const Conversion *c, const char *name, const char *path, Strings *argv)
{
        const Plan *p = &c->plan;
        int r = strings_addf(argv, "--guest=%s", name);

        r = r < 0 ? r : strings_addf(argv, "--source=%s:%016llx", path, (unsigned long long) c->hash);
        for (size_t i = 0; r >= 0 && i < p->n_taps; i++)
                r = add_tap(argv, &p->taps[i]);
        for (size_t i = 0; r >= 0 && i < c->settings.policy->image_directories.count && p->n_chains > 0; i++)
                r = strings_addf(
                        argv, "--image-directory=%s", c->settings.policy->image_directories.items[i]);
        for (size_t i = 0; r >= 0 && i < p->n_grants; i++)
                r = strings_addf(
                        argv, "--grant%s=%s:%s", p->grants[i].device ? "-device" : "",
                        access_word(p->grants[i].access), p->grants[i].path);
        for (size_t i = 0; r >= 0 && i < p->n_chains; i++)
                r = strings_addf(
                        argv, "--chain=%s:%s:%s", p->chains[i].node, p->chains[i].format, p->chains[i].path);
        for (size_t i = 0; r >= 0 && i < p->prepare.count; i++)
                r = strings_add(argv, p->prepare.items[i]);
        if (r >= 0 && p->nvram_template)
                r = strings_addf(argv, "--nvram-template=%s", p->nvram_template);
        if (r >= 0 && p->nvram)
                r = strings_addf(argv, "--nvram=%s", p->nvram);
        return r;
}

int command_prepare(const Conversion *c, const char *name, const char *path, Strings *argv)
{
        int r = strings_add(argv, VMUNIT_LAUNCHER);

        r = r < 0 ? r : strings_add(argv, "prepare");
        return r < 0 ? r : add_preparation(c, name, path, argv);
}

int command_serve(const Conversion *c, const char *name, const char *path, Strings *argv)
{
        int r = strings_add(argv, VMUNIT_LAUNCHER);

        r = r < 0 ? r : strings_add(argv, "serve");
        r = r < 0 ? r : strings_addf(argv, "--guest=%s", name);
        r = r < 0 ? r : strings_addf(argv, "--uuid=%s", c->guest->general->uuid);
        r = r < 0 ? r : strings_add(argv, "--");
        return r < 0 ? r : add_preparation(c, name, path, argv);
}

int command_run(const Conversion *c, Strings *argv)
{
        const Plan *p = &c->plan;
        int r = strings_add(argv, VMUNIT_LAUNCHER);

        r = r < 0 ? r : strings_add(argv, "run");
        if (r >= 0 && c->settings.user_scope)
                r = strings_addf(argv, "--helper=%s", c->settings.helper_socket);
        for (size_t i = 0; r >= 0 && i < p->run.count; i++)
                r = strings_add(argv, p->run.items[i]);
        if (r >= 0 && p->n_passts > 0 && p->network == NETWORK_NONE)
                r = strings_add(argv, "--private-network");
        for (size_t i = 0; r >= 0 && i < p->n_chains; i++)
                r = strings_addf(argv, "--chain=%s", p->chains[i].node);
        r = r < 0 ? r : strings_add(argv, "--");
        for (size_t i = 0; r >= 0 && i < p->argv.count; i++)
                r = strings_add(argv, p->argv.items[i]);
        return r;
}

int command_register(const Conversion *c, const char *name, Strings *argv)
{
        const Plan *p = &c->plan;
        int r = strings_add(argv, VMUNIT_LAUNCHER);

        r = r < 0 ? r : strings_add(argv, "register");
        r = r < 0 ? r : strings_addf(argv, "--guest=%s", name);
        r = r < 0 ? r : strings_addf(argv, "--uuid=%s", c->guest->general->uuid);
        for (size_t i = 0; r >= 0 && i < p->n_taps; i++)
                r = strings_addf(argv, "--interface=%s", p->taps[i].interface);
        return r;
}

int command_refuse(const Conversion *c, const char *name, const char *path, Strings *argv)
{
        size_t n = findings_count(c->findings), shown = n < REFUSED_FINDINGS_MAX ? n : REFUSED_FINDINGS_MAX;
        int r = strings_add(argv, VMUNIT_LAUNCHER);

        r = r < 0 ? r : strings_add(argv, "refuse");
        r = r < 0 ? r : strings_addf(argv, "--guest=%s", name);
        if (r >= 0 && conversion_exit(c->status) != EXIT_BAD_GUEST)
                r = strings_addf(argv, "--exit=%d", conversion_exit(c->status));
        r = r < 0 ? r : strings_add(argv, "--");
        for (size_t i = 0; r >= 0 && i < shown; i++) {
                char *text = finding_format(findings_get(c->findings, i));

                if (text)
                        text_cut(text, REFUSED_FINDING_MAX);
                r = strings_take(argv, text);
        }
        if (r >= 0 && shown < n)
                r = strings_addf(argv, "%zu more; all of them: vmctl check %s", n - shown, path);
        return r;
}
