/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "guest/plan/props.h"
#include "tests/unit/test.h"

static void test_both_syntaxes(void)
{
        _cleanup_(freep) char *json = NULL, *list = NULL, *named = NULL;
        Props p = props_new("driver", "a,b=\"c\"");
        json_t *cpus;

        props_text(&p, "absent", NULL);
        props_number(&p, "n", 7);
        props_bool(&p, "yes", true);
        props_bool_if(&p, "unset", UNSET);
        props_onoff(&p, "word", OFF);
        json_object_set_new(props_object(&p, "cache"), "direct", json_true());
        cpus = props_array(&p, "cpus");
        json_array_append_new(cpus, json_string("0-1"));
        json_array_append_new(cpus, json_integer(3));
        json = props_json(&p);
        CHECK_TEXT(
                json, "{\"driver\":\"a,b=\\\"c\\\"\",\"n\":7,\"yes\":true,\"word\":\"off\",\"cache\":{"
                      "\"direct\":true},\"cpus\":[\"0-1\",3]}");
        list = props_list(&p);
        CHECK_TEXT(list, "a,,b=\"c\",n=7,yes=on,word=off,cache.direct=on,cpus=0-1,cpus=3");
        named = props_list_named(&p);
        CHECK_TEXT(named, "driver=a,,b=\"c\",n=7,yes=on,word=off,cache.direct=on,cpus=0-1,cpus=3");
        props_done(&p);
}

static void test_failure_is_kept(void)
{
        Props p = props_new("driver", "x");

        props_text(&p, "bad", "\xff not UTF-8");
        props_number(&p, "fine", 1);
        CHECK(!props_json(&p));
        CHECK(!props_list(&p));
        props_done(&p);
}

int main(void)
{
        test_both_syntaxes();
        test_failure_is_kept();
        return 0;
}
