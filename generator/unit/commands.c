/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The command lines of vm-launcher: all that a guest needs of the host, as typed arguments. They are made
 * here and nowhere else, in both scopes.
 */

#include "generator/unit/commands.h"

#include <errno.h>

#include "contract/exit.h"
#include "contract/limits.h"
#include "contract/line/colon.h"
#include "contract/options.h"
#include "guest/machine/general.h"
#include "guest/plan/plan.h"

#define REFUSED_FINDINGS_MAX 20   /* errors that a refusing drop-in repeats */
#define REFUSED_FINDING_MAX  2000 /* bytes of each: it may quote the XML */

_Static_assert(POLICY_DIRECTORIES_MAX <= IMAGE_DIRECTORIES_MAX, "vmunit.conf allows more than the launcher");

/* Takes the value, NULL where memory ran out. */
static int add_value(Strings *argv, const char *option, char *value)
{
        _cleanup_(freep) char *owned = value;

        return owned ? strings_addf(argv, "--%s=%s", option, owned) : -ENOMEM;
}

static int add_preparation(const Conversion *c, const char *name, const char *path, Strings *argv)
{
        const Plan *p = &c->plan;
        int r = strings_addf(argv, "--" OPTION_GUEST "=%s", name);

        r = r < 0 ? r : add_value(argv, OPTION_SOURCE, source_value_write(path, c->hash));
        for (size_t i = 0; r >= 0 && i < p->n_claims; i++)
                r = add_value(argv, OPTION_CLAIM, claim_value_write(&p->claims[i].claim));
        if (r >= 0 && c->settings.policy->max_guests.max > 0)
                r = strings_addf(
                        argv, "--" OPTION_MAX_GUESTS "=%u", (unsigned) c->settings.policy->max_guests.max);
        for (size_t i = 0; r >= 0 && i < p->n_taps; i++)
                r = add_value(argv, OPTION_TAP, tap_request_write(&p->taps[i]));
        for (size_t i = 0; r >= 0 && i < c->settings.policy->image_directories.count && p->n_chains > 0; i++)
                r = strings_addf(
                        argv, "--" OPTION_IMAGE_DIRECTORY "=%s",
                        c->settings.policy->image_directories.items[i]);
        for (size_t i = 0; r >= 0 && i < p->n_grants; i++)
                r = add_value(
                        argv, p->grants[i].device ? OPTION_GRANT_DEVICE : OPTION_GRANT,
                        grant_value_write(p->grants[i].access, p->grants[i].path));
        for (size_t i = 0; r >= 0 && i < p->n_images; i++)
                r = add_value(
                        argv, OPTION_IMAGE,
                        image_value_write(
                                p->images[i].access, p->images[i].direct, p->images[i].node,
                                p->images[i].path));
        for (size_t i = 0; r >= 0 && i < p->n_chains; i++)
                r = add_value(
                        argv, OPTION_CHAIN,
                        chain_value_write(p->chains[i].node, p->chains[i].format, p->chains[i].path));
        for (size_t i = 0; r >= 0 && i < p->prepare.count; i++)
                r = strings_add(argv, p->prepare.items[i]);
        if (r >= 0 && p->nvram_template)
                r = strings_addf(argv, "--" OPTION_NVRAM_TEMPLATE "=%s", p->nvram_template);
        if (r >= 0 && p->nvram)
                r = strings_addf(argv, "--" OPTION_NVRAM "=%s", p->nvram);
        return r;
}

/* A hash by which launcher and helper notice that one of them is of an older definition than the other. */
static int add_definition(const Conversion *c, const char *name, Strings *argv)
{
        _cleanup_(strings_done) Strings preparation = { 0 };
        uint64_t hash = 0;
        int r = add_preparation(c, name, "", &preparation);

        for (size_t i = 0; r >= 0 && i < preparation.count; i++)
                hash = hash * 31 + text_hash(preparation.items[i], strlen(preparation.items[i]));
        return r < 0 ? r : strings_addf(argv, "--" OPTION_DEFINITION "=%016llx", (unsigned long long) hash);
}

int command_serve(const Conversion *c, const char *name, const char *path, Strings *argv)
{
        int r = strings_add(argv, VMUNIT_LAUNCHER);

        r = r < 0 ? r : strings_add(argv, "serve");
        r = r < 0 ? r : strings_addf(argv, "--" OPTION_GUEST "=%s", name);
        r = r < 0 ? r : strings_addf(argv, "--" OPTION_UUID "=%s", c->guest->general->uuid);
        r = r < 0 ? r : add_definition(c, name, argv);
        r = r < 0 ? r : strings_add(argv, "--");
        return r < 0 ? r : add_preparation(c, name, path, argv);
}

int command_run(const Conversion *c, const char *name, Strings *argv)
{
        const Plan *p = &c->plan;
        int r = strings_add(argv, VMUNIT_LAUNCHER);

        r = r < 0 ? r : strings_add(argv, "run");
        r = r < 0 ? r : strings_addf(argv, "--" OPTION_HELPER "=%s", c->settings.helper_socket);
        r = r < 0 ? r : add_definition(c, name, argv);
        for (size_t i = 0; r >= 0 && i < p->run.count; i++)
                r = strings_add(argv, p->run.items[i]);
        if (r >= 0 && p->n_passts > 0 && p->network == NETWORK_NONE)
                r = strings_add(argv, "--" OPTION_PRIVATE_NETWORK);
        if (r >= 0 && p->peers)
                r = strings_add(argv, "--" OPTION_PEERS);
        for (size_t i = 0; r >= 0 && i < p->n_images; i++)
                r = strings_addf(argv, "--" OPTION_IMAGE "=%s", p->images[i].node);
        for (size_t i = 0; r >= 0 && i < p->n_chains; i++)
                r = strings_addf(argv, "--" OPTION_CHAIN "=%s", p->chains[i].node);
        r = r < 0 ? r : strings_add(argv, "--");
        for (size_t i = 0; r >= 0 && i < p->argv.count; i++)
                r = strings_add(argv, p->argv.items[i]);
        return r;
}

static int add_optional(Strings *argv, const char *option, const char *value)
{
        return value ? strings_addf(argv, "--%s=%s", option, value) : 0;
}

int command_tpm(const Conversion *c, const char *name, Strings *argv)
{
        const PlanTpm *tpm = &c->plan.tpm;
        int r = strings_add(argv, VMUNIT_LAUNCHER);

        r = r < 0 ? r : strings_add(argv, "tpm");
        r = r < 0 ? r : strings_addf(argv, "--" OPTION_GUEST "=%s", name);
        r = r < 0 ? r : strings_addf(argv, "--" OPTION_UUID "=%s", c->guest->general->uuid);
        r = r < 0 ? r : strings_addf(argv, "--" OPTION_VERSION "=%s", tpm->version);
        r = r < 0 ? r : add_optional(argv, OPTION_PCR_BANKS, tpm->pcr_banks);
        r = r < 0 ? r : add_optional(argv, OPTION_PROFILE, tpm->profile);
        r = r < 0 ? r : add_optional(argv, OPTION_PROFILE_REMOVE, tpm->profile_remove);
        r = r < 0 ? r : add_optional(argv, OPTION_KEY, tpm->credential);
        if (r >= 0 && tpm->state_type)
                r = strings_addf(
                        argv, "--%s=%s",
                        streq(tpm->state_type, "dir") ? OPTION_STATE_DIR : OPTION_STATE_FILE,
                        tpm->state_path);
        if (r >= 0 && tpm->log_level > 0)
                r = strings_addf(argv, "--" OPTION_LOG_LEVEL "=%u", tpm->log_level);
        return r;
}

/* Warnings do not refuse a guest; vmctl check shows them. */
static int add_reasons(const Findings *findings, const char *path, Strings *argv)
{
        size_t shown = 0, left = 0;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < findings_count(findings); i++) {
                const Finding *finding = findings_get(findings, i);
                _cleanup_(freep) char *text = NULL;

                if (finding->severity == SEVERITY_WARNING)
                        continue;
                if (shown == REFUSED_FINDINGS_MAX) {
                        left++;
                        continue;
                }
                shown++;
                text = finding_format(finding);
                if (text)
                        text_cut(text, REFUSED_FINDING_MAX);
                r = strings_take(argv, TAKE_PTR(text));
        }
        return r < 0 || left == 0 ? r
                                  : strings_addf(argv, "%zu more; all of them: vmctl check %s", left, path);
}

int command_refuse(const Conversion *c, const char *name, const char *path, Strings *argv)
{
        int r = strings_add(argv, VMUNIT_LAUNCHER);

        r = r < 0 ? r : strings_add(argv, "refuse");
        r = r < 0 ? r : strings_addf(argv, "--" OPTION_GUEST "=%s", name);
        if (r >= 0 && conversion_exit(c->status) != EXIT_BAD_GUEST)
                r = strings_addf(argv, "--" OPTION_EXIT "=%d", conversion_exit(c->status));
        r = r < 0 ? r : strings_add(argv, "--");
        return r < 0 ? r : add_reasons(c->findings, path, argv);
}
